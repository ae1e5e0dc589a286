using System.Net;
using Containers.Rtnetlink;

namespace Containers.Addresses;

/// <summary>Finds a subnet that the host can reach nothing by yet.</summary>
internal static class SubnetChooser
{
    /// <summary>Pools of IPv6 have more subnets than anybody could look through.</summary>
    private const int MostTries = 65536;

    /// <summary>Routes to half of everything are a default route in disguise, as VPNs write it; they would take each pool away.</summary>
    private const int LongestDefault = 1;

    /// <summary>The networks of all routes, in all tables, and of all addresses of a namespace.</summary>
    public static List<IPNetwork> Occupied(RouteClient client)
    {
        var occupied = new List<IPNetwork>();
        foreach (var route in client.Routes.List())
        {
            if (route.Destination.PrefixLength > LongestDefault && route.Type is not RouteType.Multicast)
            {
                occupied.Add(route.Destination);
            }
        }

        // An interface that is down has no routes, but will have.
        foreach (var address in client.Addresses.List())
        {
            occupied.Add(NetworkOf(address.Address, address.PrefixLength));
        }

        return occupied;
    }

    /// <summary>The free subnets of pools, in order.</summary>
    public static IEnumerable<IPNetwork> Free(IEnumerable<AddressPool> pools, IReadOnlyList<IPNetwork> occupied)
    {
        foreach (var pool in pools)
        {
            var count = pool.Count;
            for (UInt128 index = 0; index < count && index < MostTries; index++)
            {
                var subnet = pool[index];
                if (!occupied.Any(network => Subnets.Overlap(network, subnet)))
                {
                    yield return subnet;
                }
            }
        }
    }

    private static IPNetwork NetworkOf(IPAddress address, int prefixLength)
    {
        var whole = new IPNetwork(address, address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128);
        var hostBits = Subnets.Bits(whole) - prefixLength;
        return hostBits >= 128
            ? new IPNetwork(IPAddress.IPv6Any, 0)
            : new IPNetwork(Subnets.Address(whole, Subnets.Number(address) >> hostBits << hostBits), prefixLength);
    }
}
