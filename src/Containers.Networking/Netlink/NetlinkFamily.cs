namespace Containers.Netlink;

/// <summary>The subsystems of the kernel that are spoken to (linux/netlink.h).</summary>
internal enum NetlinkFamily
{
    /// <summary>Interfaces, addresses, routes, neighbours, queueing: rtnetlink(7).</summary>
    Route = 0,

    /// <summary>nf_tables.</summary>
    Netfilter = 12,
}
