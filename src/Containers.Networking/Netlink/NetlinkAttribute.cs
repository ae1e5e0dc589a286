using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using System.Text;

namespace Containers.Netlink;

/// <summary>An attribute of a reply: its type, and a value that is only as long as the kernel made it.</summary>
internal readonly ref struct NetlinkAttribute(ushort type, ReadOnlySpan<byte> value)
{
    public ushort Type { get; } = type;

    public ReadOnlySpan<byte> Value { get; } = value;

    /// <summary>The attributes in this one.</summary>
    public AttributeReader Nested => new(Value);

    public byte Byte => Read<byte>();

    public ushort UInt16 => Read<ushort>();

    public uint UInt32 => Read<uint>();

    public int Int32 => Read<int>();

    public ulong UInt64 => Read<ulong>();

    public ushort NetworkUInt16 => BinaryPrimitives.ReverseEndianness(UInt16);

    public uint NetworkUInt32 => BinaryPrimitives.ReverseEndianness(UInt32);

    public ulong NetworkUInt64 => BinaryPrimitives.ReverseEndianness(UInt64);

    /// <summary>Text up to its first NUL.</summary>
    public string Text => Encoding.UTF8.GetString(Value.IndexOf((byte)0) is >= 0 and var end ? Value[..end] : Value);

    /// <summary>An address of IPv4 or IPv6, by its length.</summary>
    public IPAddress Address => Value.Length is 4 or 16
        ? new IPAddress(Value)
        : throw MessageReader.Malformed($"an address of {Value.Length} bytes in attribute {Type}");

    /// <summary>A hardware address, whatever its length is.</summary>
    public PhysicalAddress Hardware => new(Value.ToArray());

    /// <summary>The structure at the start of the value.</summary>
    /// <exception cref="NetworkException">The value is shorter.</exception>
    public T Read<T>()
        where T : unmanaged => MemoryMarshal.TryRead<T>(Value, out var value)
            ? value
            : throw MessageReader.Malformed($"attribute {Type} has {Value.Length} bytes");
}
