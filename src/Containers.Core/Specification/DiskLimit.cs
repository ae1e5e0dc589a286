namespace Containers.Specification;

/// <summary>The size of the writable layer: a tmpfs with these limits.</summary>
internal sealed record DiskLimit(ByteSize Size, long? Inodes);
