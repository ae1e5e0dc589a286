using System.Net;

namespace Containers.Names;

/// <summary>Finds what belongs to an address by its bytes as they come from a socket, without making an object of each.</summary>
internal sealed class AddressComparer : IEqualityComparer<IPAddress>, IAlternateEqualityComparer<ReadOnlySpan<byte>, IPAddress>
{
    public static readonly AddressComparer Instance = new();

    public bool Equals(IPAddress? x, IPAddress? y) => x is null ? y is null : y is not null && x.Equals(y);

    public int GetHashCode(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[AddressSet.SixSize];
        address.TryWriteBytes(bytes, out var length);
        return GetHashCode(bytes[..length]);
    }

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        var hash = default(HashCode);
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }

    public bool Equals(ReadOnlySpan<byte> alternate, IPAddress other)
    {
        Span<byte> bytes = stackalloc byte[AddressSet.SixSize];
        return other.TryWriteBytes(bytes, out var length) && alternate.SequenceEqual(bytes[..length]);
    }

    public IPAddress Create(ReadOnlySpan<byte> alternate) => new(alternate);
}
