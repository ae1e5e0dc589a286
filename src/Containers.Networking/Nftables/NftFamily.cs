namespace Containers.Nftables;

/// <summary>Which packets a table sees (NFPROTO_* of linux/netfilter.h).</summary>
internal enum NftFamily : byte
{
    Unspecified = 0,

    /// <summary>IPv4 and IPv6.</summary>
    Inet = 1,
    Ip = 2,
    Arp = 3,

    /// <summary>One interface, before anything else.</summary>
    Netdev = 5,

    /// <summary>Frames that a bridge forwards.</summary>
    Bridge = 7,
    Ip6 = 10,
}

internal static class NftFamilyNames
{
    /// <summary>As nft(8) writes it.</summary>
    public static string Word(this NftFamily family) => family.ToString().ToLowerInvariant();
}
