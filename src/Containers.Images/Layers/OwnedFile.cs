namespace Containers.Layers;

/// <summary>What a file of a layer is to have that an ordinary user cannot give it.</summary>
/// <param name="Path">From the layer's root, with its NUL.</param>
/// <param name="User">Inside the user namespace.</param>
/// <param name="Group">Inside the user namespace.</param>
/// <param name="Mode">Of a file whose set-id bits a change of owner clears; null: as it is.</param>
/// <param name="Capability">The value of its attribute security.capability; empty: it has none.</param>
internal readonly record struct OwnedFile(byte[] Path, uint User, uint Group, uint? Mode, ReadOnlyMemory<byte> Capability);
