using System.Net;
using System.Runtime.InteropServices;
using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>A route. Without a gateway what it is for is reached directly.</summary>
internal sealed record Route(IPNetwork Destination)
{
    public const uint MainTable = 254;
    public const byte ProtocolKernel = 2;
    public const byte ProtocolStatic = 4;

    public IPAddress? Gateway { get; init; }

    /// <summary>The interface by which; of several, the first one's.</summary>
    public int? Interface { get; init; }

    public IPAddress? PreferredSource { get; init; }

    public uint Table { get; init; } = MainTable;

    public uint? Metric { get; init; }

    public RouteType Type { get; init; } = RouteType.Unicast;

    /// <summary>Who made it (RTPROT_*).</summary>
    public byte Protocol { get; init; } = ProtocolStatic;

    /// <summary>The gateway is on the interface's link even where no address there says so.</summary>
    public bool OnLink { get; init; }

    public bool IsDefault => Destination.PrefixLength == 0;

    public static Route Default(IPAddress gateway, int? link = null) =>
        new(new IPNetwork(RouteFamily.Of(gateway) == RouteFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0)) { Gateway = gateway, Interface = link };

    /// <summary>Null: a family that is not IP.</summary>
    public static Route? Parse(NetlinkMessage message)
    {
        const uint OnLinkFlag = 4;
        var header = message.Read<RouteHeader>();
        if (header.Family is not (RouteFamily.InterNetwork or RouteFamily.InterNetworkV6))
        {
            return null;
        }

        var destination = header.Family == RouteFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        var route = new Route(default(IPNetwork)) { Table = header.Table, Type = (RouteType)header.Type, Protocol = header.Protocol, OnLink = (header.Flags & OnLinkFlag) != 0 };
        foreach (var attribute in message.AttributesAfter<RouteHeader>())
        {
            switch ((RouteAttribute)attribute.Type)
            {
                case RouteAttribute.Destination:
                    destination = attribute.Address;
                    break;
                case RouteAttribute.Gateway:
                    route = route with { Gateway = attribute.Address };
                    break;
                case RouteAttribute.OutputInterface:
                    route = route with { Interface = attribute.Int32 };
                    break;
                case RouteAttribute.PreferredSource:
                    route = route with { PreferredSource = attribute.Address };
                    break;
                case RouteAttribute.Priority:
                    route = route with { Metric = attribute.UInt32 };
                    break;
                case RouteAttribute.Table:
                    route = route with { Table = attribute.UInt32 };
                    break;
                case RouteAttribute.Multipath:
                    route = WithFirstHop(route, attribute);
                    break;
            }
        }

        // The constructor refuses lengths and host bits that cannot be.
        return IPNetwork.TryParse($"{destination}/{header.DestinationLength}", out var network)
            ? route with { Destination = network }
            : throw MessageReader.Malformed($"a route to {destination}/{header.DestinationLength}");
    }

    private static Route WithFirstHop(Route route, NetlinkAttribute multipath)
    {
        var hop = multipath.Read<NextHop>();
        if (hop.Length < Marshal.SizeOf<NextHop>() || hop.Length > multipath.Value.Length)
        {
            throw MessageReader.Malformed($"a next hop of {hop.Length} bytes");
        }

        route = route with { Interface = hop.Index };
        foreach (var attribute in new AttributeReader(multipath.Value[Marshal.SizeOf<NextHop>()..hop.Length]))
        {
            if ((RouteAttribute)attribute.Type == RouteAttribute.Gateway)
            {
                route = route with { Gateway = attribute.Address };
            }
        }

        return route;
    }

    /// <summary>struct rtnexthop</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct NextHop
    {
        public ushort Length;
        public byte Flags;
        public byte Hops;
        public int Index;
    }
}

/// <summary>RTN_* of linux/rtnetlink.h.</summary>
internal enum RouteType : byte
{
    Unspecified = 0,
    Unicast = 1,
    Local = 2,
    Broadcast = 3,
    Anycast = 4,
    Multicast = 5,
    Blackhole = 6,
    Unreachable = 7,
    Prohibit = 8,
}
