namespace Containers.Specification;

/// <summary>A file put into the container before it starts.</summary>
internal sealed record InjectedFile(string Path, ReadOnlyMemory<byte> Content, UnixFileMode Mode, uint OwnerUserId, uint OwnerGroupId);
