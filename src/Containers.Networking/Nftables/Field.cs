namespace Containers.Nftables;

/// <summary>Something of a packet that can be compared with a value or looked up: how it is read, and what nft(8) calls its type.</summary>
internal sealed class Field
{
    private readonly Func<int, Field>? _first;

    private Field(DataType type, Action<RuleWriter> require, Action<RuleWriter, uint> load, Func<int, Field>? first = null)
    {
        Type = type;
        Require = require;
        Load = load;
        _first = first;
    }

    public DataType Type { get; }

    /// <summary>Makes sure that the packet has it.</summary>
    public Action<RuleWriter> Require { get; }

    /// <summary>Reads it to a register.</summary>
    public Action<RuleWriter, uint> Load { get; }

    /// <summary>So many of its first bytes; of fields of the network's header alone.</summary>
    public Field First(int bytes) => _first!(bytes);

    public static Field InputInterface { get; } = OfMeta(MetaKey.InputInterface, DataType.InterfaceName);

    public static Field OutputInterface { get; } = OfMeta(MetaKey.OutputInterface, DataType.InterfaceName);

    public static Field TransportProtocol { get; } = OfMeta(MetaKey.TransportProtocol, DataType.Protocol);

    public static Field NetworkProtocol { get; } = OfMeta(MetaKey.Protocol, DataType.EtherType);

    public static Field Mark { get; } = OfMeta(MetaKey.Mark, DataType.Mark);

    public static Field PacketType { get; } = OfMeta(MetaKey.PacketType, DataType.PacketType);

    public static Field Ip4Source { get; } = OfNetwork(EtherType.Ip4, 12, DataType.Ip4);

    public static Field Ip4Destination { get; } = OfNetwork(EtherType.Ip4, 16, DataType.Ip4);

    public static Field Ip6Source { get; } = OfNetwork(EtherType.Ip6, 8, DataType.Ip6);

    public static Field Ip6Destination { get; } = OfNetwork(EtherType.Ip6, 24, DataType.Ip6);

    /// <summary>What the frame itself says, before a VLAN tag is taken from it.</summary>
    public static Field EthernetType { get; } = OfLink(12, DataType.EtherType);

    /// <summary>The first six bytes: types and lengths of the addresses that follow.</summary>
    public static Field ArpFormat { get; } = OfNetwork(EtherType.Arp, 0, DataType.Ethernet);

    public static Field ArpOperation { get; } = OfNetwork(EtherType.Arp, 6, DataType.ArpOperation);

    public static Field ArpSenderHardware { get; } = OfNetwork(EtherType.Arp, 8, DataType.Ethernet);

    public static Field ArpSenderAddress { get; } = OfNetwork(EtherType.Arp, 14, DataType.Ip4);

    public static Field EthernetDestination { get; } = OfLink(0, DataType.Ethernet);

    public static Field EthernetSource { get; } = OfLink(6, DataType.Ethernet);

    /// <summary>Who sends a frame and what it carries: <see cref="EthernetSource"/> and <see cref="EthernetType"/> at once.</summary>
    public static Field EthernetSourceAndType { get; } = OfLink(6, DataType.EthernetAndType);

    public static Field TcpSourcePort { get; } = OfTransport(Nftables.TransportProtocol.Tcp, 0, DataType.Port);

    public static Field TcpDestinationPort { get; } = OfTransport(Nftables.TransportProtocol.Tcp, 2, DataType.Port);

    public static Field UdpSourcePort { get; } = OfTransport(Nftables.TransportProtocol.Udp, 0, DataType.Port);

    public static Field UdpDestinationPort { get; } = OfTransport(Nftables.TransportProtocol.Udp, 2, DataType.Port);

    public static Field SctpDestinationPort { get; } = OfTransport(Nftables.TransportProtocol.Sctp, 2, DataType.Port);

    public static Field IcmpType { get; } = OfTransport(Nftables.TransportProtocol.Icmp, 0, DataType.IcmpType);

    public static Field Icmp6Type { get; } = OfTransport(Nftables.TransportProtocol.Icmp6, 0, DataType.Icmp6Type);

    /// <summary>The address that a neighbour solicitation or advertisement is about.</summary>
    public static Field NeighbourTarget { get; } = OfTransport(Nftables.TransportProtocol.Icmp6, 8, DataType.Ip6);

    /// <summary>Which network a packet of VXLAN is of (RFC 7348).</summary>
    public static Field VxlanNetwork { get; } = OfTransport(Nftables.TransportProtocol.Udp, 12, DataType.ThreeBytes);

    /// <summary>As <see cref="DestinationPort"/>.</summary>
    public static Field SourcePort { get; } = new(DataType.Port, static _ => { }, static (rule, register) => rule.Payload(PayloadBase.Transport, 0, DataType.Port.Length, register));

    /// <summary>The port of whatever transport protocol a rule has made sure of, or looks up beside it.</summary>
    public static Field DestinationPort { get; } = new(DataType.Port, static _ => { }, static (rule, register) => rule.Payload(PayloadBase.Transport, 2, DataType.Port.Length, register));

    /// <summary>Where the connection's first packet was sent to, before any translation.</summary>
    public static Field OriginalIp4Destination { get; } =
        new(DataType.Ip4, static _ => { }, static (rule, register) => rule.Connection(ConnectionKey.Destination4, register, original: true));

    public static Field OriginalIp6Destination { get; } =
        new(DataType.Ip6, static _ => { }, static (rule, register) => rule.Connection(ConnectionKey.Destination6, register, original: true));

    public static Field ConnectionMark { get; } = new(DataType.Mark, static _ => { }, static (rule, register) => rule.Connection(ConnectionKey.Mark, register));

    /// <summary>Nothing of the packet, but always the same: a place in a key that a packet has no value for.</summary>
    public static Field Constant(DataType type, byte[] value) => new(type, static _ => { }, (rule, register) => rule.Immediate(register, value));

    private static Field OfMeta(MetaKey key, DataType type) => new(type, static _ => { }, (rule, register) => rule.Meta(key, register));

    private static Field OfLink(int offset, DataType type) => new(type, static _ => { }, (rule, register) => rule.Payload(PayloadBase.Link, offset, type.Length, register));

    private static Field OfNetwork(ushort protocol, int offset, DataType type) =>
        new(type, rule => rule.RequireNetwork(protocol), (rule, register) => rule.Payload(PayloadBase.Network, offset, type.Length, register), bytes => OfNetwork(protocol, offset, type with { Length = bytes }));

    private static Field OfTransport(byte protocol, int offset, DataType type) =>
        new(type, rule => rule.RequireTransport(protocol), (rule, register) => rule.Payload(PayloadBase.Transport, offset, type.Length, register));
}

/// <summary>A type of values, by the number nft(8) has for it (its datatype.h) and the bytes it takes.</summary>
internal sealed record DataType(uint Number, int Length, bool HostOrder = false)
{
    public static DataType Ip4 { get; } = new(7, 4);

    public static DataType Ip6 { get; } = new(8, 16);

    public static DataType Ethernet { get; } = new(9, 6);

    public static DataType EtherType { get; } = new(10, 2);

    public static DataType EthernetAndType { get; } = new(4, 8);

    public static DataType ThreeBytes { get; } = new(4, 3);

    public static DataType ArpOperation { get; } = new(11, 2);

    public static DataType Protocol { get; } = new(12, 1);

    public static DataType Port { get; } = new(13, 2);

    public static DataType IcmpType { get; } = new(14, 1);

    public static DataType Mark { get; } = new(19, 4, HostOrder: true);

    public static DataType Icmp6Type { get; } = new(29, 1);

    public static DataType PacketType { get; } = new(31, 1);

    public static DataType InterfaceName { get; } = new(41, 16, HostOrder: true);
}
