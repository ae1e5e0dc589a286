using System.Net;

namespace Containers;

/// <summary>
/// A network that several hosts have together, by VXLAN (RFC 7348): each of them makes it with the same <see cref="NetworkId"/>, <see cref="Port"/>
/// and <see cref="NetworkOptions.Subnet"/>, an <see cref="NetworkOptions.AddressRange"/> of its own, and the others as its peers. Nothing is
/// encrypted, and whoever can send from a peer's address is believed: it is for networks between hosts that are trusted, with the UDP port open
/// between them. Each host names its own containers alone; those of others are reached by their addresses.
/// </summary>
public sealed record OverlayOptions
{
    /// <summary>The same on all hosts, and no other network's between them: 1 to 16777215.</summary>
    public required int NetworkId { get; init; }

    /// <summary>This host's address, IPv4 or IPv6, that the others have as their peer. Whatever it is, containers may have either or both.</summary>
    public required IPAddress Local { get; init; }

    /// <summary>The other hosts' addresses, of the same family; <see cref="ContainerNetworks.SetPeersAsync"/> changes them.</summary>
    public IReadOnlyList<IPAddress> Peers { get; init; } = [];

    /// <summary>The UDP port on all hosts; the default is the one that IANA gave to VXLAN.</summary>
    public int Port { get; init; } = 4789;
}
