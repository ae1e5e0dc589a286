using System.Net;
using Containers.Addresses;

namespace Containers.Egress;

/// <summary>Addresses that are not meant by whoever allows a network that happens to contain them.</summary>
internal static class SpecialNetworks
{
    public static IReadOnlyList<IPNetwork> All { get; } =
    [
        IPNetwork.Parse("0.0.0.0/8"),
        IPNetwork.Parse("127.0.0.0/8"),

        // Link-local: the metadata services of most clouds, with credentials for whoever asks.
        IPNetwork.Parse("169.254.0.0/16"),
        IPNetwork.Parse("224.0.0.0/3"),
        IPNetwork.Parse("::/128"),
        IPNetwork.Parse("::1/128"),

        // IPv4 in IPv6 notation.
        IPNetwork.Parse("::ffff:0:0/96"),

        // The same service of Amazon by IPv6.
        IPNetwork.Parse("fd00:ec2::/32"),
        IPNetwork.Parse("fe80::/10"),
        IPNetwork.Parse("ff00::/8"),
    ];

    /// <summary>Whether a network is named on purpose: a single address, or part of what is special.</summary>
    /// <param name="network">What is allowed.</param>
    /// <param name="subnets">Those of the engine's containers.</param>
    public static bool IsOnPurpose(IPNetwork network, IEnumerable<IPNetwork> subnets) =>
        network.PrefixLength == Subnets.Bits(network) || All.Concat(subnets).Any(special =>
            Subnets.IsFour(special) == Subnets.IsFour(network) && special.PrefixLength <= network.PrefixLength && special.Contains(network.BaseAddress));
}
