namespace Containers;

/// <summary>Whether mounts made later cross between a bind mount and its source (mount_namespaces(7)).</summary>
public enum MountPropagation
{
    /// <summary>Neither way; what is mounted under the source later is not seen inside.</summary>
    Private,

    /// <summary>From the host to the container only.</summary>
    Slave,

    /// <summary>
    /// Both ways: what the container mounts there appears on the host as well, and stays after the container. Only for
    /// containers that are trusted to manage the host's mounts.
    /// </summary>
    Shared,
}
