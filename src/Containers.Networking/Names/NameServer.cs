using System.Net;
using System.Net.Sockets;

namespace Containers.Names;

/// <summary>
/// The DNS server of one network, at an address of the host in it and at a port of its own: another server of the host may have port 53, and a
/// rule brings the containers here. It answers those alone who are in the network.
/// </summary>
internal sealed class NameServer : IAsyncDisposable
{
    private const int Backlog = 128;
    private const int MostTries = 16;

    private readonly DatagramListener _datagrams;
    private readonly StreamListener _streams;
    private int _disposed;

    private NameServer(IPEndPoint endPoint, DatagramListener datagrams, StreamListener streams) => (EndPoint, _datagrams, _streams) = (endPoint, datagrams, streams);

    /// <summary>Where it listens, for UDP and TCP alike.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Starts one in the network namespace of the calling thread.</summary>
    /// <param name="address">An address that the host has there.</param>
    /// <param name="zone">Whom it serves, and what they see.</param>
    /// <param name="forwarder">Whom all else is asked of.</param>
    /// <exception cref="NetworkException">The address cannot be listened at.</exception>
    public static NameServer Start(IPAddress address, NameZone zone, QueryForwarder forwarder)
    {
        for (var i = 1; ; i++)
        {
            var datagrams = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            var streams = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                datagrams.Bind(new IPEndPoint(address, 0));
                var endPoint = (IPEndPoint)datagrams.LocalEndPoint!;
                streams.Bind(endPoint);
                streams.Listen(Backlog);
                var responder = new NameResponder(forwarder);
                return new NameServer(endPoint, new DatagramListener(datagrams, zone, responder), new StreamListener(streams, zone, responder));
            }
            catch (SocketException refused)
            {
                datagrams.Dispose();
                streams.Dispose();

                // A port that is free for UDP may be taken for TCP.
                if (refused.SocketErrorCode != SocketError.AddressAlreadyInUse || i == MostTries)
                {
                    throw new NetworkException("listen for DNS queries at", address.ToString(), refused.Message, refused);
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _datagrams.DisposeAsync().ConfigureAwait(false);
        await _streams.DisposeAsync().ConfigureAwait(false);
    }
}
