using System.Buffers.Binary;
using System.Net.Sockets;

namespace Containers.Names;

/// <summary>Messages over TCP: each with its length in two bytes before it (RFC 1035, 4.2.2).</summary>
internal static class StreamMessages
{
    /// <summary>Reads one.</summary>
    /// <returns>Its length; 0: the other side has ended, or what it sends is longer than there is room for, or shorter than any message.</returns>
    public static async ValueTask<int> ReceiveAsync(Socket socket, Memory<byte> message, CancellationToken cancellationToken)
    {
        if (!await FillAsync(socket, message[..sizeof(ushort)], cancellationToken).ConfigureAwait(false))
        {
            return 0;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(message.Span);
        return length >= DnsQuery.HeaderSize && length <= message.Length && await FillAsync(socket, message[..length], cancellationToken).ConfigureAwait(false) ? length : 0;
    }

    /// <summary>Sends one with its length, whole.</summary>
    public static async ValueTask SendAsync(Socket socket, ReadOnlyMemory<byte> framed, CancellationToken cancellationToken)
    {
        while (!framed.IsEmpty)
        {
            framed = framed[await socket.SendAsync(framed, cancellationToken).ConfigureAwait(false)..];
        }
    }

    private static async ValueTask<bool> FillAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            var length = await socket.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (length == 0)
            {
                return false;
            }

            buffer = buffer[length..];
        }

        return true;
    }
}
