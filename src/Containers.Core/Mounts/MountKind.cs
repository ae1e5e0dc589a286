namespace Containers;

/// <summary>What a <see cref="Mount"/> puts at its target.</summary>
public enum MountKind
{
    /// <summary>A file or directory of the host.</summary>
    Bind,

    /// <summary>An empty file system in memory, charged to the container's memory limit.</summary>
    Tmpfs,

    /// <summary>A directory of the host under a writable layer of the container's own: its files are never changed.</summary>
    Overlay,
}
