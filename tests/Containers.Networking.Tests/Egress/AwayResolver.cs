using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Containers.Netlink;

namespace Containers.Tests.Egress;

/// <summary>A resolver on another machine that has its own address for every name, for a minute.</summary>
internal sealed class AwayResolver : IDisposable
{
    private const int HeaderSize = 12;
    private readonly Socket _socket;
    private readonly IPAddress _address;

    /// <param name="space">Where it is.</param>
    /// <param name="address">At port 53 of this.</param>
    /// <param name="answer">What every name means; null: that address.</param>
    public AwayResolver(NetworkNamespace space, IPAddress address, IPAddress? answer = null)
    {
        _address = answer ?? address;
        _socket = space.Run(() =>
        {
            var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(address, 53));
            return socket;
        });
        _ = ServeAsync();
    }

    /// <summary>The names that were asked for.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    public void Dispose() => _socket.Dispose();

    private async Task ServeAsync()
    {
        var query = new byte[1500];
        while (true)
        {
            try
            {
                var received = await _socket.ReceiveFromAsync(query, new IPEndPoint(_socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
                await _socket.SendToAsync(Answer(query), received.RemoteEndPoint);
            }
            catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private byte[] Answer(byte[] query)
    {
        var labels = new List<string>();
        var end = HeaderSize;
        for (; query[end] != 0; end += query[end] + 1)
        {
            labels.Add(Encoding.ASCII.GetString(query, end + 1, query[end]));
        }

        Asked.Enqueue(string.Join('.', labels).ToLowerInvariant());
        return [query[0], query[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, .. query[HeaderSize..(end + 5)], 0xc0, HeaderSize, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, .. _address.GetAddressBytes()];
    }
}
