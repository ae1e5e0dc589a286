using Containers.Interop;
using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>The routes of a namespace, in all its tables.</summary>
internal sealed class RouteTable(NetlinkSocket socket)
{
    private const byte ScopeUniverse = 0;
    private const byte ScopeLink = 253;
    private const byte ScopeNowhere = 255;
    private const uint OnLinkFlag = 4;

    /// <exception cref="NetworkException">EEXIST: there is one. ENETUNREACH: the gateway is on no network of an interface.</exception>
    public void Add(Route route) => Execute(RouteMessageType.NewRoute, NetlinkFlags.Create | NetlinkFlags.Exclusive, "add", route);

    /// <summary>Adds it in place of one with the same destination, table and metric.</summary>
    public void Replace(Route route) => Execute(RouteMessageType.NewRoute, NetlinkFlags.Create | NetlinkFlags.Replace, "replace", route);

    public void Delete(Route route) => Execute(RouteMessageType.DeleteRoute, NetlinkFlags.None, "delete", route);

    /// <summary>Those of all tables, IPv4 and IPv6: also what the kernel made itself, local addresses and broadcasts.</summary>
    public List<Route> List()
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.GetRoute, NetlinkFlags.Dump, new RouteHeader());
        return socket.Dump(writer, new RequestContext("list the routes", null), static message => message.Type == RouteMessageType.NewRoute ? Route.Parse(message) : null);
    }

    /// <summary>By which route a packet to this address would go; null: by none.</summary>
    public Route? Find(System.Net.IPAddress destination)
    {
        using var writer = new MessageWriter();
        var family = RouteFamily.Of(destination);
        writer.Begin(RouteMessageType.GetRoute, NetlinkFlags.Acknowledge, new RouteHeader { Family = family, DestinationLength = family == RouteFamily.InterNetwork ? (byte)32 : (byte)128 });
        writer.Put(RouteAttribute.Destination, destination);
        try
        {
            return socket.Get(writer, new RequestContext("find the route to", destination.ToString()), Route.Parse);
        }
        catch (NetworkException none) when (none.ErrorNumber is (int)Errno.ENETUNREACH or (int)Errno.EHOSTUNREACH)
        {
            return null;
        }
    }

    private void Execute(ushort type, NetlinkFlags flags, string verb, Route route)
    {
        using var writer = new MessageWriter();
        var deleting = type == RouteMessageType.DeleteRoute;
        var family = RouteFamily.Of(route.Destination.BaseAddress);
        writer.Begin(type, flags | NetlinkFlags.Acknowledge, new RouteHeader
        {
            Family = family,
            DestinationLength = (byte)route.Destination.PrefixLength,
            Table = route.Table <= byte.MaxValue ? (byte)route.Table : (byte)0,
            Protocol = route.Protocol,
            Type = (byte)route.Type,
            Scope = deleting ? ScopeNowhere : route is { Gateway: null, Type: RouteType.Unicast } && family == RouteFamily.InterNetwork ? ScopeLink : ScopeUniverse,
            Flags = route.OnLink ? OnLinkFlag : 0,
        });
        writer.Put(RouteAttribute.Table, route.Table);
        if (!route.IsDefault)
        {
            writer.Put(RouteAttribute.Destination, route.Destination.BaseAddress);
        }

        if (route.Gateway is { } gateway)
        {
            writer.Put(RouteAttribute.Gateway, gateway);
        }

        if (route.Interface is { } link)
        {
            writer.Put(RouteAttribute.OutputInterface, link);
        }

        if (route.PreferredSource is { } source)
        {
            writer.Put(RouteAttribute.PreferredSource, source);
        }

        if (route.Metric is { } metric)
        {
            writer.Put(RouteAttribute.Priority, metric);
        }

        var through = route.Gateway is null ? string.Empty : $" through {route.Gateway}";
        socket.Execute(writer, new RequestContext($"{verb} the route to", $"{route.Destination}{through}", static attribute => Enum.GetName((RouteAttribute)attribute), static errno => errno switch
        {
            Errno.ENETUNREACH => "The gateway is in no network of an interface that is up; give the interface and say that it is on its link.",
            Errno.ENETDOWN => "The interface is not up.",
            _ => null,
        }));
    }
}
