namespace Containers.Nftables;

// Numbers of linux/netfilter/nf_tables.h, if_ether.h and nf_conntrack_common.h; only those that are used.

internal static class EtherType
{
    public const ushort Ip4 = 0x0800;
    public const ushort Arp = 0x0806;
    public const ushort Ip6 = 0x86dd;
    public const ushort Vlan = 0x8100;
}

internal static class TransportProtocol
{
    public const byte Icmp = 1;
    public const byte Tcp = 6;
    public const byte Udp = 17;
    public const byte Icmp6 = 58;
    public const byte Sctp = 132;
}

internal enum MetaKey : uint
{
    Protocol = 1,
    Mark = 3,
    InputInterface = 6,
    OutputInterface = 7,
    NetworkProtocol = 15,
    TransportProtocol = 16,
    BridgeInputInterface = 17,
    PacketType = 19,
}

internal enum PayloadBase : uint
{
    Link = 0,
    Network = 1,
    Transport = 2,
}

internal enum CompareOperation : uint
{
    Equal = 0,
    NotEqual = 1,
    Less = 2,
    LessOrEqual = 3,
    Greater = 4,
    GreaterOrEqual = 5,
}

internal enum ConnectionKey : uint
{
    State = 0,
    Direction = 1,
    Status = 2,
    Mark = 3,
    Destination4 = 20,
    Destination6 = 22,
}

/// <summary>States of connection tracking, as nft's bits.</summary>
[Flags]
internal enum ConnectionState : uint
{
    None = 0,
    Invalid = 1,
    Established = 2,
    Related = 4,
    New = 8,
    Untracked = 64,
}

/// <summary>IPS_* bits.</summary>
[Flags]
internal enum ConnectionStatus : uint
{
    None = 0,
    SourceNat = 0x10,
    DestinationNat = 0x20,
}

internal enum PacketType : byte
{
    Host = 0,
    Broadcast = 1,
    Multicast = 2,
    Other = 3,
}

/// <summary>Flags of a TCP segment.</summary>
[Flags]
internal enum TcpFlags : byte
{
    None = 0,
    Finish = 0x01,
    Synchronize = 0x02,
    Reset = 0x04,
    Acknowledge = 0x10,
}

/// <summary>What a rule does with the element of a set that a packet is the key of (NFT_DYNSET_OP_*).</summary>
internal enum ElementOperation : uint
{
    /// <summary>Adds it where it is not there.</summary>
    Add = 0,

    /// <summary>Adds it, or lets its time begin again.</summary>
    Update = 1,
}

/// <summary>Named things that rules share (NFT_OBJECT_*).</summary>
internal enum ObjectType : uint
{
    Counter = 1,
    Quota = 2,
}

internal enum RejectKind : uint
{
    Icmp = 0,
    TcpReset = 1,

    /// <summary>The ICMP of the packet's own family.</summary>
    IcmpEither = 2,
}

internal enum FibResult : uint
{
    OutputInterface = 1,
    OutputInterfaceName = 2,
    AddressType = 3,
}

[Flags]
internal enum FibFlags : uint
{
    None = 0,
    Source = 1,
    Destination = 2,
    InputInterface = 8,
    OutputInterface = 16,
}
