namespace Containers.Netlink;

/// <summary>A message of the kernel: its header and what follows.</summary>
internal readonly ref struct NetlinkMessage(NetlinkHeader header, ReadOnlySpan<byte> payload)
{
    public NetlinkHeader Header { get; } = header;

    public ReadOnlySpan<byte> Payload { get; } = payload;

    public ushort Type => Header.Type;

    /// <summary>The structure at the start of the payload.</summary>
    /// <exception cref="NetworkException">The message is shorter.</exception>
    public T Read<T>()
        where T : unmanaged => System.Runtime.InteropServices.MemoryMarshal.TryRead<T>(Payload, out var value)
            ? value
            : throw MessageReader.Malformed($"a message of type {Type} has {Payload.Length} bytes");

    /// <summary>The attributes behind a structure of <typeparamref name="T"/>.</summary>
    public AttributeReader AttributesAfter<T>()
        where T : unmanaged
    {
        var offset = MessageReader.Align(System.Runtime.CompilerServices.Unsafe.SizeOf<T>());
        return new AttributeReader(offset <= Payload.Length ? Payload[offset..] : default);
    }
}

/// <summary>Makes an object of a message; null where the message is not about one.</summary>
internal delegate T? MessageParser<out T>(NetlinkMessage message)
    where T : class;
