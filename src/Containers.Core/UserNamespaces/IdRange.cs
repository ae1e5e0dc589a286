namespace Containers.UserNamespaces;

/// <summary>Ids of the host that a container's ids from 0 on are.</summary>
internal readonly record struct IdRange(uint First, uint Count)
{
    /// <summary>The host's id of an id inside.</summary>
    public uint ToHost(uint id) => id < Count ? First + id : throw new ContainerException(
        "map the id", null, Interop.Errno.EINVAL, $"The container has the ids 0 to {Count - 1}; {id} is none of them. Choose another user, or a larger UserNamespace.Range.");

    public bool Overlaps(in IdRange other) => First < (ulong)other.First + other.Count && other.First < (ulong)First + Count;
}
