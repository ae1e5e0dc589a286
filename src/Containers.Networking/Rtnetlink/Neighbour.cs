using System.Net;
using System.Net.NetworkInformation;
using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>Which hardware address a neighbour's IP address has; or, of a bridge or VXLAN, by which port or host one is reached.</summary>
internal sealed record Neighbour(int Index)
{
    /// <summary>A neighbour's address; of a VXLAN's entry, the host to send to.</summary>
    public IPAddress? Address { get; init; }

    public PhysicalAddress? HardwareAddress { get; init; }

    public NeighbourStates State { get; init; } = NeighbourStates.Permanent;

    public NeighbourFlags Flags { get; init; }

    /// <summary>Of a forwarding entry: the bridge whose port <see cref="Index"/> is.</summary>
    public int? Master { get; init; }

    public ushort? Port { get; init; }

    public uint? NetworkId { get; init; }

    /// <summary>Whether it is one of a bridge's or VXLAN's forwarding database.</summary>
    public bool IsForwarding { get; init; }

    /// <summary>An address that a VXLAN, or a device, finds at a host.</summary>
    public static Neighbour AtHost(int vxlan, PhysicalAddress hardware, IPAddress host) =>
        new(vxlan) { HardwareAddress = hardware, Address = host, Flags = NeighbourFlags.Self, IsForwarding = true };

    /// <summary>An address that a bridge finds at one of its ports.</summary>
    public static Neighbour AtPort(int port, PhysicalAddress hardware) =>
        new(port) { HardwareAddress = hardware, Flags = NeighbourFlags.Master | NeighbourFlags.Sticky, State = NeighbourStates.NoArp, IsForwarding = true };

    public static Neighbour Parse(NetlinkMessage message)
    {
        var header = message.Read<NeighbourHeader>();
        var neighbour = new Neighbour(header.Index) { State = header.State, Flags = header.Flags, IsForwarding = header.Family == RouteFamily.Bridge };
        foreach (var attribute in message.AttributesAfter<NeighbourHeader>())
        {
            neighbour = (NeighbourAttribute)attribute.Type switch
            {
                NeighbourAttribute.Destination => neighbour with { Address = attribute.Address },
                NeighbourAttribute.LinkAddress => neighbour with { HardwareAddress = attribute.Hardware },
                NeighbourAttribute.Master => neighbour with { Master = attribute.Int32 },
                NeighbourAttribute.Port => neighbour with { Port = attribute.NetworkUInt16 },
                NeighbourAttribute.NetworkId => neighbour with { NetworkId = attribute.UInt32 },
                _ => neighbour,
            };
        }

        return neighbour;
    }
}

/// <summary>NUD_* of linux/neighbour.h.</summary>
[Flags]
internal enum NeighbourStates : ushort
{
    None = 0,
    Incomplete = 0x1,
    Reachable = 0x2,
    Stale = 0x4,
    Delay = 0x8,
    Probe = 0x10,
    Failed = 0x20,
    NoArp = 0x40,
    Permanent = 0x80,
}

/// <summary>NTF_* of linux/neighbour.h.</summary>
[Flags]
internal enum NeighbourFlags : byte
{
    None = 0,
    Use = 0x1,
    Self = 0x2,
    Master = 0x4,
    Proxy = 0x8,

    /// <summary>The entry does not move to another port, whatever comes from there. Of forwarding entries, since Linux 4.20.</summary>
    Sticky = 0x40,
    Router = 0x80,
}
