namespace Containers;

/// <summary>The kinds of namespaces of Linux (namespaces(7)).</summary>
public enum NamespaceKind
{
    /// <summary>The mount table, and with it the root filesystem.</summary>
    Mount,

    /// <summary>Host name and domain name.</summary>
    Uts,

    /// <summary>System V IPC, POSIX message queues and their <c>kernel.*</c> settings.</summary>
    Ipc,

    /// <summary>Interfaces, addresses, routes, sockets and the <c>net.*</c> settings.</summary>
    Network,

    /// <summary>Process ids.</summary>
    Pid,

    /// <summary>User and group ids and capabilities.</summary>
    User,

    /// <summary>The root of the cgroup paths a process sees.</summary>
    Cgroup,

    /// <summary>The monotonic and boot-time clocks.</summary>
    Time,
}
