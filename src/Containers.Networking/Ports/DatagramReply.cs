using System.Net;
using System.Net.Sockets;
using Containers.Interop;

namespace Containers.Ports;

/// <summary>Sends a datagram from one of the addresses of a socket that is bound to all (IP_PKTINFO of ip(7)): 127.0.0.2, where the client sent to that.</summary>
internal static unsafe class DatagramReply
{
    private const int LevelIp = 0;
    private const int LevelIp6 = 41;
    private const int PacketInfo4 = 8; // IP_PKTINFO
    private const int PacketInfo6 = 50; // IPV6_PKTINFO
    private const int ControlSize = 64;

    /// <summary>Waits for nothing: a datagram that does not fit is lost, as datagrams are.</summary>
    public static void Send(Socket socket, ReadOnlySpan<byte> datagram, IPEndPoint client, IPAddress from)
    {
        var name = client.Serialize().Buffer.Span;
        var control = stackalloc byte[ControlSize];
        new Span<byte>(control, ControlSize).Clear();
        var length = WriteControl(control, socket.AddressFamily, from);
        fixed (byte* data = datagram, address = name)
        {
            var part = new Libc.IoVector { Base = data, Length = (nuint)datagram.Length };
            var header = new Libc.MessageHeader
            {
                Name = address,
                NameLength = (ulong)client.Serialize().Size,
                Parts = &part,
                PartCount = 1,
                Control = control,
                ControlLength = (ulong)length,
            };
            _ = Libc.SendMessage(socket.SafeHandle, &header, Libc.MessageDontWait | Libc.MessageNoSignal);
        }
    }

    private static int WriteControl(byte* control, AddressFamily family, IPAddress from)
    {
        var header = (Libc.ControlHeader*)control;
        var data = control + sizeof(Libc.ControlHeader);
        int size;
        if (family == AddressFamily.InterNetworkV6)
        {
            // struct in6_pktinfo: the address, then the interface, 0 for any; an address of IPv4 as mapped.
            size = 20;
            (header->Level, header->Type) = (LevelIp6, PacketInfo6);
            _ = from.MapToIPv6().TryWriteBytes(new Span<byte>(data, 16), out _);
        }
        else
        {
            // struct in_pktinfo: the interface, the source, and what is set when receiving.
            size = 12;
            (header->Level, header->Type) = (LevelIp, PacketInfo4);
            _ = from.TryWriteBytes(new Span<byte>(data + sizeof(int), 4), out _);
        }

        header->Length = (ulong)(sizeof(Libc.ControlHeader) + size);
        return (sizeof(Libc.ControlHeader) + size + 7) & ~7;
    }
}
