using System.Net;
using System.Net.Sockets;
using Containers.Names;

namespace Containers.Benchmarks.Names;

/// <summary>A host's resolver that costs as little as can be: each question comes back as its own answer, with one address.</summary>
internal sealed class LoopbackResolver : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    /// <param name="endPoint">Where it listens, in the network namespace of the calling thread.</param>
    public LoopbackResolver(IPEndPoint endPoint)
    {
        _socket.Bind(endPoint);
        new Thread(Serve) { IsBackground = true }.Start();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    public void Dispose() => _socket.Dispose();

    private void Serve()
    {
        const int endOfQuestion = 4;
        byte[] header = [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
        byte[] record = [0xC0, DnsQuery.HeaderSize, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];
        var message = new byte[4096];
        var from = new SocketAddress(AddressFamily.InterNetwork);
        try
        {
            while (true)
            {
                // What a forwarder adds to the question, as the options of EDNS, is not answered.
                int question = DomainName.Skip(message.AsSpan(0, _socket.ReceiveFrom(message, SocketFlags.None, from)), DnsQuery.HeaderSize) + endOfQuestion;
                header.CopyTo(message, sizeof(ushort));
                record.CopyTo(message, question);
                _socket.SendTo(message.AsSpan(0, question + record.Length), SocketFlags.None, from);
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }
}
