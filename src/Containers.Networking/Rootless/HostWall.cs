using System.Net;
using System.Net.Sockets;
using Containers.Rtnetlink;

namespace Containers.Rootless;

/// <summary>
/// What keeps a container from the host it leaves through. pasta connects from the host, so that every address of the host, its loopback
/// included, would be the host's own services to whoever sends a packet there; the gateway it does not take for the host (--no-map-gw). A
/// packet for these finds no route in the container, whichever socket sends it and by whichever interface, and nothing in the container may
/// change routes or make packets past them.
/// </summary>
internal static class HostWall
{
    /// <summary>Never of the outside: this host, loopback, the links of a host with what a cloud serves there.</summary>
    private static readonly IPNetwork[] Always = [IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("169.254.0.0/16")];

    private static readonly IPNetwork[] Always6 = [IPNetwork.Parse("::1/128"), IPNetwork.Parse("::ffff:0:0/96"), IPNetwork.Parse("fd00:ec2::/32")];

    /// <summary>Adds it, before anything of the container's runs.</summary>
    /// <param name="inside">The container's routes.</param>
    /// <param name="link">Its interface.</param>
    /// <param name="names">An address that pasta answers queries for names at, which is let through; null: none.</param>
    /// <exception cref="NetworkException">A route cannot be added.</exception>
    public static void Build(RouteClient inside, int link, IPAddress? names)
    {
        using var host = RouteClient.Open();
        var addresses = host.Addresses.List().ConvertAll(static address => address.Address);
        var hasSix = addresses.Exists(static address => address.AddressFamily == AddressFamily.InterNetworkV6);
        foreach (var network in Always.Concat(hasSix ? Always6 : []).Concat(addresses.Select(Whole)).Distinct())
        {
            inside.Routes.Replace(new Route(network) { Type = RouteType.Unreachable });
        }

        if (names is not null)
        {
            inside.Routes.Replace(new Route(Whole(names)) { Interface = link });
        }
    }

    private static IPNetwork Whole(IPAddress address) => new(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
}
