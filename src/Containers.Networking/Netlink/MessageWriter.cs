using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Containers.Netlink;

/// <summary>
/// Writes netlink messages, one or a batch, into one rented buffer. The length of an attribute is 16 bits in the kernel's format: what
/// does not fit is refused here and never cut, because a length that wraps makes the rest of a value an attribute of its own choice.
/// </summary>
internal sealed class MessageWriter : IDisposable
{
    private const int AttributeHeaderSize = 4;
    private const int FirstSize = 512;
    private const ushort NestedFlag = 0x8000;

    /// <summary>Messages larger than this are none that this library means to send.</summary>
    private const int LargestBatch = 64 << 20;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstSize);
    private int _length;
    private int _message = -1;

    /// <summary>How many messages were begun.</summary>
    public int Count { get; private set; }

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>The length of the largest value an attribute can have.</summary>
    public static int MaximumValue => ushort.MaxValue - AttributeHeaderSize;

    /// <summary>Starts a message; the one before ends.</summary>
    public void Begin(ushort type, NetlinkFlags flags)
    {
        End();
        _message = _length;
        var header = new NetlinkHeader { Type = type, Flags = NetlinkFlags.Request | flags };
        MemoryMarshal.Write(Take(NetlinkHeader.Size), in header);
        Count++;
    }

    /// <summary>Starts a message with the structure of its family behind the header.</summary>
    public void Begin<T>(ushort type, NetlinkFlags flags, in T header)
        where T : unmanaged
    {
        Begin(type, flags);
        MemoryMarshal.Write(Take(Unsafe.SizeOf<T>()), in header);
    }

    public void Put<TType>(TType type, scoped ReadOnlySpan<byte> value)
        where TType : unmanaged, Enum => value.CopyTo(Attribute(type, value.Length));

    public void Put<TType, TValue>(TType type, in TValue value)
        where TType : unmanaged, Enum
        where TValue : unmanaged => MemoryMarshal.Write(Attribute(type, Unsafe.SizeOf<TValue>()), in value);

    /// <summary>A structure without a header of its own, where an attribute begins with one.</summary>
    public void PutRaw<TValue>(in TValue value)
        where TValue : unmanaged => MemoryMarshal.Write(Take(Unsafe.SizeOf<TValue>()), in value);

    /// <summary>A flag whose presence is its value.</summary>
    public void PutFlag<TType>(TType type)
        where TType : unmanaged, Enum => Attribute(type, 0);

    public void PutBoolean<TType>(TType type, bool value)
        where TType : unmanaged, Enum => Put(type, value ? (byte)1 : (byte)0);

    public void PutNetwork<TType>(TType type, ushort value)
        where TType : unmanaged, Enum => BinaryPrimitives.WriteUInt16BigEndian(Attribute(type, sizeof(ushort)), value);

    public void PutNetwork<TType>(TType type, uint value)
        where TType : unmanaged, Enum => BinaryPrimitives.WriteUInt32BigEndian(Attribute(type, sizeof(uint)), value);

    public void PutNetwork<TType>(TType type, ulong value)
        where TType : unmanaged, Enum => BinaryPrimitives.WriteUInt64BigEndian(Attribute(type, sizeof(ulong)), value);

    /// <summary>Text with its closing NUL.</summary>
    public void Put<TType>(TType type, string text)
        where TType : unmanaged, Enum
    {
        var size = Encoding.UTF8.GetByteCount(text);
        var target = Attribute(type, size + 1);
        Encoding.UTF8.GetBytes(text, target);
        target[size] = 0;
    }

    public void Put<TType>(TType type, IPAddress address)
        where TType : unmanaged, Enum
    {
        Span<byte> bytes = stackalloc byte[16];
        _ = address.TryWriteBytes(bytes, out var written);
        Put(type, bytes[..written]);
    }

    public void Put<TType>(TType type, PhysicalAddress address)
        where TType : unmanaged, Enum => Put(type, address.GetAddressBytes());

    /// <summary>Starts an attribute of attributes; what it returns is for <see cref="EndNested"/>.</summary>
    public int BeginNested<TType>(TType type, bool marked = true)
        where TType : unmanaged, Enum
    {
        var start = _length;
        var header = Take(AttributeHeaderSize);
        MemoryMarshal.Write(header[2..], (ushort)(Unsafe.BitCast<TType, ushort>(type) | (marked ? NestedFlag : 0)));
        return start;
    }

    /// <exception cref="NetworkException">The attribute became larger than one can be.</exception>
    public void EndNested(int start) => MemoryMarshal.Write(_buffer.AsSpan(start), Fitting(_length - start));

    /// <summary>Completes the last message.</summary>
    public void End()
    {
        if (_message >= 0)
        {
            MemoryMarshal.Write(_buffer.AsSpan(_message), (uint)(_length - _message));
            _message = -1;
        }
    }

    /// <summary>Numbers the messages from <paramref name="first"/> on.</summary>
    public void Stamp(uint first, uint portId)
    {
        End();
        for (var offset = 0; offset < _length;)
        {
            ref var header = ref MemoryMarshal.AsRef<NetlinkHeader>(_buffer.AsSpan(offset, NetlinkHeader.Size));
            header.Sequence = first++;
            header.PortId = portId;
            offset += MessageReader.Align((int)header.Length);
        }
    }

    /// <summary>Adds flags to the message begun last.</summary>
    public void AddFlags(NetlinkFlags flags) =>
        MemoryMarshal.AsRef<NetlinkHeader>(_buffer.AsSpan(_message, NetlinkHeader.Size)).Flags |= flags;

    /// <summary>The bytes of one message, with its header.</summary>
    public ReadOnlySpan<byte> Message(int index)
    {
        var offset = 0;
        for (; index > 0; index--)
        {
            offset += MessageReader.Align((int)MemoryMarshal.Read<uint>(_buffer.AsSpan(offset)));
        }

        return _buffer.AsSpan(offset, (int)MemoryMarshal.Read<uint>(_buffer.AsSpan(offset)));
    }

    public void Dispose()
    {
        var buffer = _buffer;
        _buffer = [];
        _length = 0;
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static ushort Fitting(int length) => length <= ushort.MaxValue ? (ushort)length : throw new NetworkException(
        "write a netlink message", null, $"an attribute of {length} bytes was asked for, and {ushort.MaxValue} are the most there can be");

    private Span<byte> Attribute<TType>(TType type, int size)
        where TType : unmanaged, Enum
    {
        var length = Fitting(AttributeHeaderSize + size);
        var target = Take(length);
        MemoryMarshal.Write(target, length);
        MemoryMarshal.Write(target[2..], Unsafe.BitCast<TType, ushort>(type));
        return target.Slice(AttributeHeaderSize, size);
    }

    /// <summary>Room at the end, zeroed, of a size rounded up to the next four bytes.</summary>
    private Span<byte> Take(int size)
    {
        ObjectDisposedException.ThrowIf(_buffer.Length == 0, this);
        var aligned = MessageReader.Align(size);
        if (_length + aligned > LargestBatch)
        {
            throw new NetworkException("write a netlink message", null, $"it became larger than {LargestBatch >> 20} MiB");
        }

        if (_length + aligned > _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, _length + aligned));
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        var target = _buffer.AsSpan(_length, aligned);
        target.Clear();
        _length += aligned;
        return target;
    }
}
