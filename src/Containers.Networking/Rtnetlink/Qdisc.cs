using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>A queue of an interface, or a class of one, as the kernel describes it.</summary>
internal sealed record Qdisc(int Index, string Kind, uint Handle, uint Parent)
{
    public ulong SentBytes { get; init; }

    public uint SentPackets { get; init; }

    public uint Dropped { get; init; }

    /// <summary>How often something had to wait, or go, for being too much.</summary>
    public uint OverLimits { get; init; }

    /// <summary>What waits now, in bytes.</summary>
    public uint Backlog { get; init; }

    public static Qdisc Parse(NetlinkMessage message)
    {
        var header = message.Read<QdiscHeader>();
        var qdisc = new Qdisc(header.Index, string.Empty, header.Handle, header.Parent);
        foreach (var attribute in message.AttributesAfter<QdiscHeader>())
        {
            qdisc = (QdiscAttribute)attribute.Type switch
            {
                QdiscAttribute.Kind => qdisc with { Kind = attribute.Text },
                QdiscAttribute.Statistics2 => WithStatistics(qdisc, attribute.Nested),
                _ => qdisc,
            };
        }

        return qdisc;
    }

    private static Qdisc WithStatistics(Qdisc qdisc, AttributeReader attributes)
    {
        // TCA_STATS_BASIC and TCA_STATS_QUEUE of linux/gen_stats.h.
        const ushort Basic = 1;
        const ushort Queue = 3;
        foreach (var attribute in attributes)
        {
            if (attribute.Type == Basic)
            {
                var basic = attribute.Read<BasicStatistics>();
                qdisc = qdisc with { SentBytes = basic.Bytes, SentPackets = basic.Packets };
            }
            else if (attribute.Type == Queue)
            {
                var queue = attribute.Read<QueueStatistics>();
                qdisc = qdisc with { Dropped = queue.Drops, OverLimits = queue.OverLimits, Backlog = queue.Backlog };
            }
        }

        return qdisc;
    }

    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Sequential, Pack = 4)]
    private struct BasicStatistics
    {
        public ulong Bytes;
        public uint Packets;
    }

    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Sequential)]
    private struct QueueStatistics
    {
        public uint Length;
        public uint Backlog;
        public uint Drops;
        public uint Requeues;
        public uint OverLimits;
    }
}
