using System.Net;
using System.Security.Cryptography;

namespace Containers.Addresses;

/// <summary>Where subnets of a size are taken from.</summary>
/// <param name="Network">The whole.</param>
/// <param name="SubnetLength">The prefix length of each subnet.</param>
internal sealed record AddressPool(IPNetwork Network, int SubnetLength)
{
    private const int UniqueLocalLength = 48;

    /// <summary>What Docker takes by itself, in its order.</summary>
    public static IReadOnlyList<AddressPool> Defaults { get; } =
    [
        new(IPNetwork.Parse("172.17.0.0/16"), 16),
        new(IPNetwork.Parse("172.18.0.0/16"), 16),
        new(IPNetwork.Parse("172.19.0.0/16"), 16),
        new(IPNetwork.Parse("172.20.0.0/14"), 16),
        new(IPNetwork.Parse("172.24.0.0/14"), 16),
        new(IPNetwork.Parse("172.28.0.0/14"), 16),
        new(IPNetwork.Parse("192.168.0.0/16"), 20),
    ];

    /// <summary>A pool of IPv6 subnets that nobody else has, most probably: unique local addresses with a random global id (RFC 4193).</summary>
    public static AddressPool RandomUniqueLocal()
    {
        const byte LocallyAssigned = 0xfd;
        Span<byte> bytes = stackalloc byte[16];
        bytes[0] = LocallyAssigned;
        RandomNumberGenerator.Fill(bytes[1..(UniqueLocalLength / 8)]);
        return new AddressPool(new IPNetwork(new IPAddress(bytes), UniqueLocalLength), 64);
    }

    /// <summary>How many subnets there are.</summary>
    public UInt128 Count => SubnetLength >= Network.PrefixLength && SubnetLength <= Subnets.Bits(Network)
        ? UInt128.One << (SubnetLength - Network.PrefixLength)
        : throw new NetworkException("take subnets from", ToString(), $"A subnet of it has a prefix between {Network.PrefixLength} and {Subnets.Bits(Network)}.");

    public IPNetwork this[UInt128 index] => new(Subnets.At(Network, index << (Subnets.Bits(Network) - SubnetLength)), SubnetLength);

    public override string ToString() => $"{Network} in /{SubnetLength}";
}
