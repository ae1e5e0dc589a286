namespace Containers.Rtnetlink;

/// <summary>What went through an interface since it exists (struct rtnl_link_stats64).</summary>
internal sealed record LinkStatistics(
    ulong ReceivedPackets, ulong SentPackets, ulong ReceivedBytes, ulong SentBytes,
    ulong ReceiveErrors, ulong SendErrors, ulong ReceiveDropped, ulong SendDropped)
{
    public static LinkStatistics Parse(Netlink.NetlinkAttribute attribute)
    {
        var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(attribute.Value);
        return values.Length >= 8
            ? new LinkStatistics(values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7])
            : throw Netlink.MessageReader.Malformed($"statistics of {attribute.Value.Length} bytes");
    }
}
