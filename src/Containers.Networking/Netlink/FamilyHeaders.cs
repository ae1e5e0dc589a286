namespace Containers.Netlink;

/// <summary>The sizes of the structures that stand between a message's header and its attributes.</summary>
internal static class FamilyHeaders
{
    private const int SubsystemShift = 8;
    private const int NetfilterHeader = 4;

    /// <summary>By type of message: nfgenmsg for nfnetlink, otherwise the structures of linux/rtnetlink.h, which has four types for each.</summary>
    public static int SizeFor(ushort type) => type >> SubsystemShift != 0 ? NetfilterHeader : ((type - NetlinkHeader.FirstFamilyType) / 4) switch
    {
        0 => 16, // ifinfomsg
        1 => 8, // ifaddrmsg
        2 => 12, // rtmsg
        3 => 12, // ndmsg
        4 => 12, // fib_rule_hdr
        5 or 6 or 7 => 20, // tcmsg
        18 => 4, // rtgenmsg of a namespace id
        _ => 0,
    };
}
