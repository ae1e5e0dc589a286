using System.Runtime.InteropServices;

namespace Containers.Netlink;

/// <summary>The attributes of a message or of another attribute, one after the other (struct nlattr, linux/netlink.h).</summary>
internal ref struct AttributeReader(ReadOnlySpan<byte> data)
{
    private const int HeaderSize = 4;

    /// <summary>The upper two bits say "nested" and "network byte order", and are not always set.</summary>
    private const ushort TypeMask = 0x3fff;

    private ReadOnlySpan<byte> _rest = data;

    public NetlinkAttribute Current { get; private set; }

    public readonly AttributeReader GetEnumerator() => this;

    /// <exception cref="NetworkException">An attribute is longer than what it is in.</exception>
    public bool MoveNext()
    {
        // What is too short for a header is padding, to the kernel too.
        if (_rest.Length < HeaderSize)
        {
            return false;
        }

        var length = MemoryMarshal.Read<ushort>(_rest);
        var type = MemoryMarshal.Read<ushort>(_rest[2..]);
        if (length < HeaderSize || length > _rest.Length)
        {
            throw MessageReader.Malformed($"attribute {type & TypeMask} of {length} bytes in {_rest.Length}");
        }

        Current = new NetlinkAttribute((ushort)(type & TypeMask), _rest[HeaderSize..length]);
        _rest = _rest[Math.Min(MessageReader.Align(length), _rest.Length)..];
        return true;
    }
}
