using System.Net;
using System.Net.NetworkInformation;

namespace Containers;

/// <summary>How a container is connected to a network. What is not said is chosen.</summary>
public sealed record NetworkConnection
{
    /// <summary>Further names of the container in this network; others may have the same, and answers then name them all.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>The IPv4 address, of the network's subnet.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>The IPv6 address, of the network's IPv6 subnet.</summary>
    public IPAddress? Address6 { get; init; }

    /// <summary>The hardware address: 6 bytes, of one interface (the lowest bit of the first byte is 0).</summary>
    public PhysicalAddress? MacAddress { get; init; }
}
