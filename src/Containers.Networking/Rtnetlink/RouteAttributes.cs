namespace Containers.Rtnetlink;

// Numbers of attributes from linux/if_link.h, if_addr.h, rtnetlink.h, neighbour.h and net_namespace.h; only those that are used.

internal enum LinkAttribute : ushort
{
    Address = 1,
    Name = 3,
    Mtu = 4,
    Link = 5,
    Qdisc = 6,
    Master = 10,
    ProtocolInformation = 12,
    OperationalState = 16,
    LinkInformation = 18,
    Alias = 20,
    Statistics64 = 23,
    NamespaceDescriptor = 28,
    LinkNamespaceId = 37,
}

internal enum LinkInformation : ushort
{
    Kind = 1,
    Data = 2,
    PortKind = 4,
    PortData = 5,
}

internal enum VethAttribute : ushort
{
    Peer = 1,
}

internal enum BridgeAttribute : ushort
{
    ForwardDelay = 1,
    AgeingTime = 4,
    SpanningTree = 5,
    VlanFiltering = 7,
    GroupForwardMask = 9,
    MulticastSnooping = 23,
}

internal enum BridgePortAttribute : ushort
{
    Hairpin = 4,
    Guard = 5,
    Learning = 8,
    UnicastFlood = 9,
    MulticastFlood = 27,
    BroadcastFlood = 30,
    NeighbourSuppression = 32,
    Isolated = 33,
}

internal enum VxlanAttribute : ushort
{
    Id = 1,
    Group = 2,
    Link = 3,
    Local = 4,
    Learning = 7,
    Port = 15,
    Group6 = 16,
    Local6 = 17,
}

internal enum AddressAttribute : ushort
{
    Address = 1,
    Local = 2,
    Label = 3,
    Broadcast = 4,
    Flags = 8,
}

internal enum RouteAttribute : ushort
{
    Destination = 1,
    OutputInterface = 4,
    Gateway = 5,
    Priority = 6,
    PreferredSource = 7,
    Multipath = 9,
    Table = 15,
}

internal enum NeighbourAttribute : ushort
{
    Destination = 1,
    LinkAddress = 2,
    Port = 6,
    NetworkId = 7,
    Interface = 8,
    Master = 9,
}

internal enum NamespaceAttribute : ushort
{
    Id = 1,
    Descriptor = 3,
}

internal enum QdiscAttribute : ushort
{
    Kind = 1,
    Options = 2,
    Statistics2 = 7,
}
