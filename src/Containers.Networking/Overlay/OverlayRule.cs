using System.Net;
using System.Net.Sockets;

namespace Containers.Overlay;

/// <summary>Options of an overlay network that cannot be right, found before anything is made.</summary>
internal static class OverlayRule
{
    private const int LargestId = (1 << 24) - 1;

    /// <exception cref="ArgumentException">The message says what.</exception>
    public static void Require(NetworkOptions options, OverlayOptions overlay, string parameter)
    {
        ArgumentNullException.ThrowIfNull(overlay.Local, parameter);
        ArgumentNullException.ThrowIfNull(overlay.Peers, parameter);
        var reason = overlay.NetworkId is < 1 or > LargestId ? $"The id of an overlay network is from 1 to {LargestId}, not {overlay.NetworkId}."
            : overlay.Port is < 1 or > ushort.MaxValue ? $"{overlay.Port} is no UDP port."
            : !IsOfOneHost(overlay.Local) ? $"{overlay.Local} is no address that other hosts can send to."
            : options.Subnet is null || options.AddressRange is null ? "An overlay network needs Subnet and AddressRange: all its hosts share the one, and each gives out another part of it."
            : options.IPv6 && (options.Subnet6 is null || options.AddressRange6 is null) ? "An overlay network with IPv6 needs Subnet6 and AddressRange6: all its hosts share the one, and each gives out another part of it."
            : IsInside(options, overlay.Local) ? $"{overlay.Local} is in the network's own subnet, and hosts reach each other by other addresses."
            : options.Gateway is { } four && !options.AddressRange.Value.Contains(four) ? OutOfRange(four, options.AddressRange.Value)
            : options.Gateway6 is { } six && options.AddressRange6 is { } range6 && !range6.Contains(six) ? OutOfRange(six, range6)
            : null;
        if (reason is not null)
        {
            throw new ArgumentException(reason, parameter);
        }

        RequirePeers(options, overlay.Peers, parameter);
    }

    /// <exception cref="ArgumentException">One of them cannot be a peer.</exception>
    public static void RequirePeers(NetworkOptions options, IReadOnlyCollection<IPAddress> peers, string parameter)
    {
        var local = options.Overlay!.Local;
        var seen = new HashSet<IPAddress>();
        foreach (var peer in peers)
        {
            var reason = peer is null ? "A peer is null."
                : peer.AddressFamily != local.AddressFamily ? $"The peer {peer} is of another family than this host's address, {local}."
                : !IsOfOneHost(peer) ? $"The peer {peer} is no address of another host."
                : peer.Equals(local) ? $"The peer {peer} is this host itself: name the others."
                : IsInside(options, peer) ? $"The peer {peer} is in the network's own subnet, and hosts reach each other by other addresses."
                : !seen.Add(peer) ? $"The peer {peer} is named twice."
                : null;
            if (reason is not null)
            {
                throw new ArgumentException(reason, parameter);
            }
        }
    }

    /// <summary>Those, too, would be believed that have an address as containers have.</summary>
    private static bool IsInside(NetworkOptions options, IPAddress host) => options.Subnet?.Contains(host) == true || options.Subnet6?.Contains(host) == true;

    /// <summary>Containers of two hosts would have the gateway's address, or a container of another host.</summary>
    private static string OutOfRange(IPAddress gateway, IPNetwork range) => $"The gateway {gateway} of an overlay network is one of its own range, {range}: each host has another.";

    private static bool IsOfOneHost(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork
        ? address.GetAddressBytes()[0] is not 0 and not 127 and < 224
        : address.AddressFamily == AddressFamily.InterNetworkV6 && !address.IsIPv6Multicast && !address.IsIPv6LinkLocal && !address.IsIPv4MappedToIPv6 &&
            !address.Equals(IPAddress.IPv6Any) && !IPAddress.IsLoopback(address);
}
