using Containers.Nftables;

namespace Containers.Egress;

/// <summary>The sets that a container's policy has for IPv4, and the same for IPv6.</summary>
internal sealed record FamilySets
{
    public FamilySets(Table table, string id, ushort family, uint mostFlows, uint mostRefused)
    {
        var isFour = family == EtherType.Ip4;
        var suffix = (isFour ? "4-" : "6-") + id;
        var address = isFour ? DataType.Ip4 : DataType.Ip6;
        var source = isFour ? Field.Ip4Source : Field.Ip6Source;
        Family = family;
        Destination = isFour ? Field.Ip4Destination : Field.Ip6Destination;
        Flows = new Set(table, "flows" + suffix, address, DataType.Protocol, DataType.Port, DataType.Port) { Dynamic = true, Timeouts = true, Size = mostFlows };
        Names = new Set(table, "names" + suffix, address, DataType.Protocol, DataType.Port) { Timeouts = true };
        OwnNames = new Set(table, "own" + suffix, address, DataType.Protocol, DataType.Port) { Timeouts = true };
        Refused = new Set(table, "refused" + suffix, address, DataType.Protocol, DataType.Port) { Dynamic = true, Counters = true, Size = mostRefused };
        LeavingFlow = [Destination, Field.TransportProtocol, Field.SourcePort, Field.DestinationPort];
        ArrivingFlow = [source, Field.TransportProtocol, Field.DestinationPort, Field.SourcePort];
    }

    /// <summary>The protocol, as Ethernet numbers it.</summary>
    public ushort Family { get; }

    public Field Destination { get; }

    /// <summary>Connections: the other's address, the protocol, the container's port, the other's port.</summary>
    public Set Flows { get; }

    /// <summary>What names were resolved to by others: address, protocol, port.</summary>
    public Set Names { get; }

    /// <summary>What names of the engine's containers were resolved to.</summary>
    public Set OwnNames { get; }

    /// <summary>Where what was refused was to go, with counters.</summary>
    public Set Refused { get; }

    public Field[] LeavingFlow { get; }

    public Field[] ArrivingFlow { get; }

    public IEnumerable<Set> Of(bool withNames) => withNames ? [Flows, Refused, Names, OwnNames] : [Flows, Refused];
}
