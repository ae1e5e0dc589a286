using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Containers.Ports;

/// <summary>Passes connections to a listening socket on to a container.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    /// <summary>Connections of one port at a time; more wait in the kernel's queue.</summary>
    private const int MostConnections = 4096;

    private static readonly TimeSpan Exhausted = TimeSpan.FromMilliseconds(100);

    private readonly Socket _listener;
    private readonly IPEndPoint _target;
    private readonly IContainerSide? _inside;
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _places = new(MostConnections);
    private readonly ConcurrentDictionary<Task, bool> _connections = new();
    private readonly Task _accepting;

    private TcpProxy(Socket listener, IPEndPoint target, IContainerSide? inside)
    {
        _inside = inside;
        _listener = listener;
        _target = target;
        _accepting = AcceptAsync();
    }

    /// <param name="listener">Listens; borrowed.</param>
    /// <param name="target">The container's port.</param>
    /// <param name="inside">Where the sockets are from that connect to it; null: this process's own network.</param>
    public static TcpProxy Start(Socket listener, IPEndPoint target, IContainerSide? inside = null) => new(listener, target, inside);

    /// <summary>Ends all connections, with a reset.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        await Task.WhenAll(_connections.Keys).ConfigureAwait(false);
        _end.Dispose();
        _places.Dispose();
    }

    private async Task AcceptAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_end.IsCancellationRequested)
        {
            try
            {
                await _places.WaitAsync(_end.Token).ConfigureAwait(false);
                Track(await AcceptOneAsync().ConfigureAwait(false));
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task<Socket> AcceptOneAsync()
    {
        while (true)
        {
            try
            {
                return await _listener.AcceptAsync(_end.Token).ConfigureAwait(false);
            }
            catch (SocketException)
            {
                // One that was gone before it was taken, or there is no descriptor or memory left, whose end nothing announces.
                await Task.Delay(Exhausted, _end.Token).ConfigureAwait(false);
            }
        }
    }

    private void Track(Socket client)
    {
        var connection = ServeAsync(client);
        _connections[connection] = true;
        _ = connection.ContinueWith(
            static (ended, state) => ((TcpProxy)state!)._connections.TryRemove(ended, out _), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task ServeAsync(Socket client)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await TcpRelay.RunAsync(client, _target, _inside, _end.Token).ConfigureAwait(false);
        }
        finally
        {
            _places.Release();
        }
    }
}
