using System.Net;

namespace Containers.Addresses;

/// <summary>Arithmetic of networks: addresses as numbers of 128 bits, those of IPv4 in the lowest 32.</summary>
internal static class Subnets
{
    public static bool IsFour(IPNetwork network) => network.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;

    /// <summary>32 or 128.</summary>
    public static int Bits(IPNetwork network) => IsFour(network) ? 32 : 128;

    public static UInt128 Number(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = address.TryWriteBytes(bytes, out var written);
        UInt128 number = 0;
        foreach (var part in bytes[..written])
        {
            number = (number << 8) | part;
        }

        return number;
    }

    /// <summary>The address with a number, in the family of a network.</summary>
    public static IPAddress Address(IPNetwork family, UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[Bits(family) / 8];
        for (var i = bytes.Length - 1; i >= 0; i--)
        {
            bytes[i] = (byte)(number & 0xff);
            number >>= 8;
        }

        return new IPAddress(bytes);
    }

    /// <summary>How many addresses there are, less one: all of IPv6 would not fit.</summary>
    public static UInt128 Span(IPNetwork network)
    {
        var hostBits = Bits(network) - network.PrefixLength;
        return hostBits == 128 ? UInt128.MaxValue : (UInt128.One << hostBits) - 1;
    }

    /// <summary>The last address: of IPv4 the one for broadcasts.</summary>
    public static IPAddress Last(IPNetwork network) => Address(network, Number(network.BaseAddress) + Span(network));

    /// <summary>The address so many behind the first.</summary>
    public static IPAddress At(IPNetwork network, UInt128 offset) => Address(network, Number(network.BaseAddress) + offset);

    /// <summary>How far an address is behind the first.</summary>
    public static UInt128 Offset(IPNetwork network, IPAddress address) => Number(address) - Number(network.BaseAddress);

    public static bool Overlap(IPNetwork one, IPNetwork other) =>
        IsFour(one) == IsFour(other) && (one.PrefixLength <= other.PrefixLength ? one.Contains(other.BaseAddress) : other.Contains(one.BaseAddress));
}
