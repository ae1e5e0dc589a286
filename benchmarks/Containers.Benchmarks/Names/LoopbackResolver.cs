using System.Net;
using System.Net.Sockets;

namespace Containers.Benchmarks.Names;

/// <summary>A host's resolver that costs as little as can be: each question comes back as its own answer, with one address.</summary>
internal sealed class LoopbackResolver : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    public LoopbackResolver()
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        new Thread(Serve) { IsBackground = true }.Start();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    public void Dispose() => _socket.Dispose();

    private void Serve()
    {
        byte[] record = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];
        var message = new byte[4096];
        var from = new SocketAddress(AddressFamily.InterNetwork);
        try
        {
            while (true)
            {
                int length = _socket.ReceiveFrom(message, SocketFlags.None, from);
                message[2] = 0x81;
                message[3] = 0x80;
                message[7] = 1;
                record.CopyTo(message, length);
                _socket.SendTo(message.AsSpan(0, length + record.Length), SocketFlags.None, from);
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }
}
