using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Containers.Tests.Names;

/// <summary>A resolver that answers what it is told to, over UDP and TCP at one port of the loopback, and keeps what it was asked.</summary>
internal sealed class PlaybackResolver : IDisposable
{
    private readonly Func<byte[], IEnumerable<byte[]>> _answers;
    private readonly Socket _datagrams;
    private readonly Socket _streams;
    private readonly ConcurrentQueue<(byte[] Query, int Port, bool IsDatagram)> _asked = [];

    public PlaybackResolver(Func<byte[], IEnumerable<byte[]>> answers, IPEndPoint? at = null)
    {
        _answers = answers;
        while (true)
        {
            _datagrams = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            _streams = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _datagrams.Bind(at ?? new IPEndPoint(IPAddress.Loopback, 0));
            try
            {
                _streams.Bind(_datagrams.LocalEndPoint!);
                break;
            }
            catch (SocketException) when (at is null)
            {
                Dispose();
            }
        }

        _streams.Listen();
        _ = Task.Run(ServeDatagramsAsync);
        _ = Task.Run(ServeStreamsAsync);
    }

    /// <summary>One that answers everything with one address.</summary>
    public PlaybackResolver(string address, IPEndPoint? at = null)
        : this(query => [DnsBytes.Answer(query, IPAddress.Parse(address))], at)
    {
    }

    public IPEndPoint EndPoint => (IPEndPoint)_datagrams.LocalEndPoint!;

    public IReadOnlyList<(byte[] Query, int Port, bool IsDatagram)> Asked => [.. _asked];

    public void Dispose()
    {
        _datagrams.Dispose();
        _streams.Dispose();
    }

    private async Task ServeDatagramsAsync()
    {
        var buffer = new byte[65536];
        try
        {
            while (true)
            {
                var received = await _datagrams.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0));
                byte[] query = buffer[..received.ReceivedBytes];
                _asked.Enqueue((query, ((IPEndPoint)received.RemoteEndPoint).Port, true));
                foreach (var answer in _answers(query))
                {
                    await _datagrams.SendToAsync(answer, received.RemoteEndPoint);
                }
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeStreamsAsync()
    {
        try
        {
            while (true)
            {
                var connection = await _streams.AcceptAsync();
                _ = Task.Run(async () =>
                {
                    using var stream = new NetworkStream(connection, ownsSocket: true);
                    var length = new byte[2];
                    while (await stream.ReadAtLeastAsync(length, 2, throwOnEndOfStream: false) == 2)
                    {
                        var query = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                        await stream.ReadExactlyAsync(query);
                        _asked.Enqueue((query, ((IPEndPoint)connection.RemoteEndPoint!).Port, false));
                        foreach (var answer in _answers(query))
                        {
                            await stream.WriteAsync((byte[])[.. DnsBytes.Short(answer.Length), .. answer]);
                        }
                    }
                });
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
        }
    }
}
