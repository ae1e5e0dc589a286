using System.Net;

namespace Containers;

/// <summary>How a network is made. What is not said is chosen.</summary>
public sealed record NetworkOptions
{
    /// <summary>The IPv4 subnet, with a prefix of /30 or shorter; null: one that no route or address of the host, and no network of another engine, is in.</summary>
    public IPNetwork? Subnet { get; init; }

    /// <summary>
    /// The part of <see cref="Subnet"/> whose addresses are given to containers that ask for none; null: all of it. Others may be asked for, but
    /// for an <see cref="Overlay"/> network, where they are other hosts'.
    /// </summary>
    public IPNetwork? AddressRange { get; init; }

    /// <summary>The host's address in <see cref="Subnet"/>; null: the first of <see cref="AddressRange"/>, or of the subnet.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>Whether containers have IPv6 too; otherwise it is off in them, for this network.</summary>
    public bool IPv6 { get; init; }

    /// <summary>The IPv6 subnet; null: a random one of the unique local addresses (RFC 4193).</summary>
    public IPNetwork? Subnet6 { get; init; }

    /// <summary>As <see cref="AddressRange"/>, of <see cref="Subnet6"/>.</summary>
    public IPNetwork? AddressRange6 { get; init; }

    /// <summary>The host's address in <see cref="Subnet6"/>; null: the first of <see cref="AddressRange6"/>, or of the subnet.</summary>
    public IPAddress? Gateway6 { get; init; }

    /// <summary>
    /// The largest packet, 1280 (68 without IPv6) to 65535 bytes; null: that of the interface of the host's default route, 1500 at most, or of an
    /// <see cref="Overlay"/> network what the ways to its peers have, less the 50 bytes (70 over IPv6) that the tunnel takes.
    /// </summary>
    public int? Mtu { get; init; }

    /// <summary>Makes it this host's part of a network across hosts; null: it is this host's alone.</summary>
    public OverlayOptions? Overlay { get; init; }

    /// <summary>
    /// How many connections that one container makes beyond this network's other containers, or to the host, the kernel keeps track of at a time;
    /// further ones are refused, so that no container fills the host's table of connections. Those that are ending do not count. Null: 8192, or
    /// a quarter of that table (<c>net.netfilter.nf_conntrack_max</c>) where that is less.
    /// </summary>
    public int? ConnectionLimit { get; init; }

    /// <summary>Containers reach each other and nothing else, and nothing else reaches them: no way out, no published ports, no names of elsewhere.</summary>
    public bool Internal { get; init; }

    /// <summary>
    /// Containers may connect to services of the host, by its gateway address and all others it has, and to those that a cloud gives to the host
    /// alone (169.254.0.0/16, fd00:ec2::/32). Otherwise they reach no more of it than the names it gives and an answer to ping.
    /// </summary>
    public bool AllowHost { get; init; }

    /// <summary>Data for those who list networks.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
