using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Containers.Ports;

/// <summary>
/// Passes datagrams on to a container, and its answers back. Each client has a socket of its own towards the container, so that answers
/// find their way; it ends when nothing was sent by it or to it for a while, as a flow does in the kernel's own translation.
/// </summary>
internal sealed class UdpProxy : IAsyncDisposable
{
    /// <summary>Clients at a time; while there are so many, datagrams of others are dropped.</summary>
    private const int MostSessions = 1024;

    /// <summary>The largest datagram there can be.</summary>
    private const int BufferSize = 64 * 1024;

    /// <summary>nf_conntrack_udp_timeout_stream of Linux.</summary>
    private static readonly TimeSpan DefaultIdle = TimeSpan.FromSeconds(120);

    private readonly Socket _socket;
    private readonly IPEndPoint _target;
    private readonly TimeSpan _idle;
    private readonly IContainerSide? _inside;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<(EndPoint Client, IPAddress Local), UdpSession> _sessions = new();
    private readonly Task _receiving;
    private readonly Task _sweeping;

    private UdpProxy(Socket socket, IPEndPoint target, TimeSpan idle, IContainerSide? inside)
    {
        _inside = inside;
        _socket = socket;
        _target = target;
        _idle = idle;
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.PacketInformation, true);
        if (socket.AddressFamily == AddressFamily.InterNetworkV6)
        {
            socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.PacketInformation, true);
        }

        _receiving = ReceiveAsync();
        _sweeping = SweepAsync();
    }

    /// <summary>How many clients have a session now.</summary>
    public int Sessions => _sessions.Count;

    /// <param name="socket">Bound; borrowed.</param>
    /// <param name="target">The container's port.</param>
    /// <param name="idle">After how long without a datagram a client is forgotten; null: as long as the kernel does.</param>
    /// <param name="inside">Where the sockets are from that send to it; null: this process's own network.</param>
    public static UdpProxy Start(Socket socket, IPEndPoint target, TimeSpan? idle = null, IContainerSide? inside = null) => new(socket, target, idle ?? DefaultIdle, inside);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_receiving, _sweeping).ConfigureAwait(false);
        foreach (var session in _sessions.Values)
        {
            await session.DisposeAsync().ConfigureAwait(false);
        }

        _end.Dispose();
    }

    private async Task ReceiveAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var buffer = GC.AllocateUninitializedArray<byte>(BufferSize, pinned: true);
        var any = new IPEndPoint(_socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        while (!_end.IsCancellationRequested)
        {
            try
            {
                var received = await _socket.ReceiveMessageFromAsync(buffer, SocketFlags.None, any, _end.Token).ConfigureAwait(false);
                if (await SessionOfAsync((IPEndPoint)received.RemoteEndPoint, received.PacketInformation.Address).ConfigureAwait(false) is { } session)
                {
                    await session.SendAsync(buffer.AsMemory(0, received.ReceivedBytes), _end.Token).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // A datagram that was sent back by ICMP, or one that the container does not take: the next one may be another's.
            }
        }
    }

    private async ValueTask<UdpSession?> SessionOfAsync(IPEndPoint client, IPAddress local)
    {
        if (_sessions.TryGetValue((client, local), out var session))
        {
            return session;
        }

        // Loopback is for this host alone; see TcpRelay.
        if (_sessions.Count >= MostSessions || (IPAddress.IsLoopback(local) && !IPAddress.IsLoopback(client.Address)))
        {
            return null;
        }

        var container = _inside is null
            ? new Socket(_target.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
            : await _inside.OpenAsync(PortProtocol.Udp, _end.Token).ConfigureAwait(false);
        return _sessions[(client, local)] = UdpSession.Start(_socket, client, local, _target, container, _inside);
    }

    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(_idle / 4);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token).ConfigureAwait(false))
            {
                foreach (var (client, session) in _sessions)
                {
                    if (session.Idle > _idle && _sessions.TryRemove(client, out _))
                    {
                        await session.DisposeAsync().ConfigureAwait(false);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}
