using System.Net;
using System.Net.Sockets;
using Containers.Overlay;

namespace Containers.Networks;

/// <summary>Options of a network that cannot be right, found before anything is made.</summary>
internal static class NetworkRule
{
    private const int SmallestMtu = 68;
    private const int SmallestMtu6 = 1280;
    private const int LargestMtu = 65535;

    /// <exception cref="ArgumentException">The message says what.</exception>
    public static void Require(NetworkOptions options, string parameter)
    {
        ArgumentNullException.ThrowIfNull(options.Labels, parameter);
        RequireSubnet(options.Subnet, options.Gateway, AddressFamily.InterNetwork, 30, parameter);
        RequireSubnet(options.Subnet6, options.Gateway6, AddressFamily.InterNetworkV6, 126, parameter);
        RequireRange(options.Subnet, options.AddressRange, parameter);
        RequireRange(options.Subnet6, options.AddressRange6, parameter);
        if (options is { IPv6: false } and ({ Subnet6: not null } or { Gateway6: not null } or { AddressRange6: not null }))
        {
            throw new ArgumentException("An IPv6 subnet, range or gateway is given, and IPv6 is off: set NetworkOptions.IPv6.", parameter);
        }

        if (options.ConnectionLimit is < 1)
        {
            throw new ArgumentException($"A container has at least one connection, not {options.ConnectionLimit}.", parameter);
        }

        if (options.Overlay is { } overlay)
        {
            OverlayRule.Require(options, overlay, parameter);
        }

        var smallest = SmallestMtuOf(options);
        if (options.Mtu is { } mtu && (mtu < smallest || mtu > LargestMtu))
        {
            throw new ArgumentException($"The MTU {mtu} is not between {smallest} and {LargestMtu}.", parameter);
        }
    }

    public static int SmallestMtuOf(NetworkOptions options) => options.IPv6 ? SmallestMtu6 : SmallestMtu;

    private static void RequireSubnet(IPNetwork? subnet, IPAddress? gateway, AddressFamily family, int longest, string parameter)
    {
        if (subnet is { } network && (network.BaseAddress.AddressFamily != family || network.PrefixLength > longest || network.PrefixLength == 0))
        {
            throw new ArgumentException($"{network} is no subnet for containers: it takes IPv{(family == AddressFamily.InterNetwork ? 4 : 6)} and a prefix between /1 and /{longest}.", parameter);
        }

        if (gateway is not null && (subnet is not { } own || !own.Contains(gateway) || gateway.Equals(own.BaseAddress) || gateway.Equals(BroadcastOf(own))))
        {
            throw new ArgumentException($"The gateway {gateway} is no address for a host in the subnet {(subnet is { } given ? given : "(none is given)")}.", parameter);
        }
    }

    private static void RequireRange(IPNetwork? subnet, IPNetwork? range, string parameter)
    {
        if (range is { } part && (subnet is not { } whole || !whole.Contains(part.BaseAddress) || part.PrefixLength < whole.PrefixLength || part.PrefixLength >= Addresses.Subnets.Bits(part)))
        {
            throw new ArgumentException($"The range {part} is no part, of more than one address, of the subnet {(subnet is { } given ? given : "(none is given)")}.", parameter);
        }
    }

    private static IPAddress? BroadcastOf(IPNetwork subnet) => Addresses.Subnets.IsFour(subnet) ? Addresses.Subnets.Last(subnet) : null;
}
