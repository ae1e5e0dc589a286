using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Containers;

/// <summary>What a port and an address that one is published at may be.</summary>
internal static class PortRule
{
    public const int First = 1;
    public const int Last = ushort.MaxValue;

    public static int RequirePort(int port, string parameter) => port is >= First and <= Last
        ? port
        : throw new ArgumentOutOfRangeException(parameter, port, $"A port is a number from {First} to {Last}.");

    /// <summary>0 is any free port.</summary>
    public static int RequireHostPort(int port, string parameter) => port == 0 ? port : RequirePort(port, parameter);

    public static PortRange RequireRange(PortRange range, string parameter) => range.Count > 0
        ? range
        : throw new ArgumentException("The default value is no range of ports: create one with its first and last port.", parameter);

    /// <summary>An address of IPv4 that is written as one of IPv6 is that of IPv4.</summary>
    public static IPAddress? RequireAddress(IPAddress? address, string parameter)
    {
        if (address is null)
        {
            return null;
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var reason = plain.AddressFamily switch
        {
            AddressFamily.InterNetwork when plain.Equals(IPAddress.Broadcast) || (plain.GetAddressBytes()[0] & 0xf0) == 0xe0 => "is of no single host",
            AddressFamily.InterNetworkV6 when plain.IsIPv6Multicast => "is of no single host",

            // The same address may be on every interface, and is not told apart by rules that see addresses alone.
            AddressFamily.InterNetworkV6 when plain.IsIPv6LinkLocal => "is of one link only",
            _ => null,
        };
        return reason is null ? plain : throw new ArgumentException($"A port cannot be published at {address}, which {reason}; give an address of this host, or none for all of them.", parameter);
    }

    public static string WordOf(PortProtocol protocol) => protocol == PortProtocol.Tcp ? "tcp" : "udp";

    /// <summary>Digits alone, as no sign, space or sum of more digits than a port has was meant.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && text.Length <= 5 && port <= Last;
}
