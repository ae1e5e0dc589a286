using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;
using Containers.Specification.Rules;

namespace Containers.Networks;

/// <summary>A network that a container is to be on, and as what.</summary>
internal sealed record NetworkAttachment(string Network)
{
    public ImmutableArray<string> Aliases { get; init; } = [];

    public IPAddress? Address4 { get; init; }

    public IPAddress? Address6 { get; init; }

    public PhysicalAddress? Mac { get; init; }

    /// <exception cref="ArgumentException">A value cannot be right.</exception>
    public static NetworkAttachment Of(string network, NetworkConnection connection, string parameter)
    {
        ArgumentNullException.ThrowIfNull(connection.Aliases, parameter);
        return new NetworkAttachment(ContainerName.Require(network, nameof(network), "network"))
        {
            Aliases = [.. connection.Aliases.Select(alias => NetworkAlias.Require(alias, parameter)).Distinct(StringComparer.OrdinalIgnoreCase)],
            Address4 = Require(connection.Address, four: true, parameter),
            Address6 = Require(connection.Address6, four: false, parameter),
            Mac = Require(connection.MacAddress, parameter),
        };
    }

    private static IPAddress? Require(IPAddress? address, bool four, string parameter) =>
        address is null || address.AddressFamily == (four ? System.Net.Sockets.AddressFamily.InterNetwork : System.Net.Sockets.AddressFamily.InterNetworkV6)
            ? address
            : throw new ArgumentException($"{address} is no IPv{(four ? 4 : 6)} address.", parameter);

    private static PhysicalAddress? Require(PhysicalAddress? mac, string parameter)
    {
        const int Length = 6;
        const int Group = 1;
        if (mac is null)
        {
            return null;
        }

        var bytes = mac.GetAddressBytes();
        return bytes.Length == Length && (bytes[0] & Group) == 0 && bytes.AsSpan().ContainsAnyExcept((byte)0)
            ? mac
            : throw new ArgumentException($"{mac} is no hardware address of one interface: 6 bytes, the lowest bit of the first 0, not all 0.", parameter);
    }
}
