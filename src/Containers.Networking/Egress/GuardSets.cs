using Containers.Nftables;

namespace Containers.Egress;

/// <summary>The sets that all ports of a <see cref="GuardTable"/> share; where the first field is the interface, each port has its own elements.</summary>
internal sealed class GuardSets(Table table)
{
    /// <summary>Solicitations and advertisements of neighbours, and reports of groups: what IPv6 does not work without on a link.</summary>
    public static byte[] DiscoveryTypes { get; } = [131, 132, 133, 135, 136, 143];

    public Table Table => table;

    public Set Hardware { get; } = new(table, "hardware", DataType.InterfaceName, DataType.Ethernet);

    /// <summary>With the hardware address: of most packets one look-up says all.</summary>
    public Set Address4 { get; } = new(table, "address4", DataType.InterfaceName, DataType.Ethernet, DataType.Ip4);

    public Set Address6 { get; } = new(table, "address6", DataType.InterfaceName, DataType.Ethernet, DataType.Ip6);

    /// <summary>What a policy has to name to mean it.</summary>
    public Set Special4 { get; } = new(table, "special4", DataType.Ip4) { Intervals = true };

    public Set Special6 { get; } = new(table, "special6", DataType.Ip6) { Intervals = true };

    public Set Discovery { get; } = new(table, "discovery", DataType.Icmp6Type);

    public IReadOnlyList<Set> All => [Hardware, Address4, Address6, Special4, Special6, Discovery];
}
