using System.Net;
using System.Net.NetworkInformation;

namespace Containers;

/// <summary>A network as it is at one moment.</summary>
public sealed record NetworkInfo
{
    internal NetworkInfo()
    {
    }

    /// <summary>The name; an engine has one network of a name.</summary>
    public required string Name { get; init; }

    /// <summary>What connects its containers.</summary>
    public required NetworkKind Kind { get; init; }

    /// <summary>The bridge's interface on the host; null where there is none (yet).</summary>
    public string? Bridge { get; init; }

    /// <summary>The IPv4 subnet.</summary>
    public IPNetwork? Subnet { get; init; }

    /// <summary>The part of it whose addresses this engine gives to containers that ask for none; null: all of it.</summary>
    public IPNetwork? AddressRange { get; init; }

    /// <summary>The host's IPv4 address in it.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>The IPv6 subnet; null without IPv6.</summary>
    public IPNetwork? Subnet6 { get; init; }

    /// <summary>As <see cref="AddressRange"/>, of <see cref="Subnet6"/>.</summary>
    public IPNetwork? AddressRange6 { get; init; }

    /// <summary>The host's IPv6 address in it.</summary>
    public IPAddress? Gateway6 { get; init; }

    /// <summary>The largest packet, in bytes.</summary>
    public int? Mtu { get; init; }

    /// <summary>How many connections of one container are tracked at a time; null where there is no bridge (yet).</summary>
    public int? ConnectionLimit { get; init; }

    /// <summary>The other hosts it is on; null: it is this host's alone.</summary>
    public NetworkOverlayInfo? Overlay { get; init; }

    /// <summary>Whether there is no way out of it.</summary>
    public bool Internal { get; init; }

    /// <summary>Whether its containers may connect to services of the host.</summary>
    public bool AllowHost { get; init; }

    /// <summary>The labels it was made with.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>When it was made; null for what was there from the start.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>The containers that are connected, or are about to be.</summary>
    public IReadOnlyList<NetworkEndpointInfo> Endpoints { get; init; } = [];
}

/// <summary>What a network is made of.</summary>
public enum NetworkKind
{
    /// <summary>A bridge of the host, with a port for each container.</summary>
    Bridge,

    /// <summary>The host's own network.</summary>
    Host,

    /// <summary>Nothing: each container has a loopback interface of its own.</summary>
    None,

    /// <summary>
    /// What an ordinary user has in place of a bridge: each container by itself leaves through pasta, with the host's address, and the
    /// containers do not reach each other.
    /// </summary>
    User,
}

/// <summary>One container's place in a network.</summary>
public sealed record NetworkEndpointInfo
{
    internal NetworkEndpointInfo()
    {
    }

    /// <summary>The network's name.</summary>
    public required string Network { get; init; }

    /// <summary>The container's id.</summary>
    public required string ContainerId { get; init; }

    /// <summary>The container's name, where it has one.</summary>
    public string? ContainerName { get; init; }

    /// <summary>The interface inside the container.</summary>
    public required string Interface { get; init; }

    /// <summary>The IPv4 address.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>The IPv6 address; null without IPv6.</summary>
    public IPAddress? Address6 { get; init; }

    /// <summary>The hardware address.</summary>
    public required PhysicalAddress MacAddress { get; init; }

    /// <summary>Its further names in this network.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];
}
