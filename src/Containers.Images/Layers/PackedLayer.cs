using Containers.Interop;

namespace Containers.Layers;

/// <summary>A directory that is packed, alone or as one of several on top of each other, and what the owners in it are called.</summary>
internal readonly record struct PackedLayer(FileDescriptor Directory, OwnerMap Owners);
