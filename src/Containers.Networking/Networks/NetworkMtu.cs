using System.Globalization;
using Containers.Overlay;
using Containers.Rtnetlink;

namespace Containers.Networks;

/// <summary>The largest packet of a new network: what was asked for, or what goes on in one piece.</summary>
internal static class NetworkMtu
{
    private const int Ethernet = 1500;

    /// <exception cref="NetworkException">The way to the peers of an overlay network is too narrow.</exception>
    public static int Choose(RouteClient links, string name, NetworkOptions options, OverlayNetwork? overlay)
    {
        if (options.Mtu is { } given)
        {
            return given;
        }

        var mtu = overlay?.Mtu ?? OfWayOut(links);
        var smallest = NetworkRule.SmallestMtuOf(options);
        return mtu >= smallest ? mtu : throw new NetworkException("create the network", name, string.Create(CultureInfo.InvariantCulture,
            $"The way out of it has packets of {mtu} bytes, and it needs {smallest}: raise the MTU of the interface, or give NetworkOptions.Mtu, so that they go in pieces."));
    }

    private static int OfWayOut(RouteClient links)
    {
        var way = links.Routes.List().Find(static route => route is { IsDefault: true, Table: Route.MainTable, Type: RouteType.Unicast, Interface: not null });
        return way is null ? Ethernet : Math.Min(Ethernet, links.Links.Find(way.Interface!.Value)?.Mtu ?? Ethernet);
    }
}
