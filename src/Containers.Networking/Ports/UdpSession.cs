using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Containers.Ports;

/// <summary>One client of a proxied port of UDP.</summary>
internal sealed class UdpSession : IAsyncDisposable
{
    private const int BufferSize = 64 * 1024;

    private readonly Socket _listener;
    private readonly IPEndPoint _client;
    private readonly IPAddress _local;
    private readonly Socket _container;
    private readonly IContainerSide? _inside;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _answering;
    private long _last = Environment.TickCount64;

    private UdpSession(Socket listener, IPEndPoint client, IPAddress local, Socket container, IContainerSide? inside)
    {
        _inside = inside;
        _listener = listener;
        _client = client;
        _local = local;
        _container = container;
        _answering = AnswerAsync();
    }

    /// <summary>For how long nothing was sent either way.</summary>
    public TimeSpan Idle => TimeSpan.FromMilliseconds(Environment.TickCount64 - Volatile.Read(ref _last));

    /// <param name="listener">The socket that answers are sent by; borrowed.</param>
    /// <param name="client">Who gets them.</param>
    /// <param name="local">The address the client sent to, and expects answers from.</param>
    /// <param name="target">The container's port.</param>
    /// <param name="container">The socket that it is reached by; owned.</param>
    /// <param name="inside">Where that is from, which counts; null: this process's own network.</param>
    /// <exception cref="SocketException">There is no way to the container.</exception>
    public static UdpSession Start(Socket listener, IPEndPoint client, IPAddress local, IPEndPoint target, Socket container, IContainerSide? inside)
    {
        try
        {
            // Connected, so that nobody else can answer in the container's name.
            container.Connect(target);
            container.Blocking = false;
            return new UdpSession(listener, client, local, container, inside);
        }
        catch
        {
            container.Dispose();
            throw;
        }
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> datagram, CancellationToken cancellationToken)
    {
        Touch();
        _inside?.Count(datagram.Length, 0);
        await _container.SendAsync(datagram, SocketFlags.None, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _answering.ConfigureAwait(false);
        _container.Dispose();
        _end.Dispose();
    }

    private async Task AnswerAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var first = new byte[1];
        while (!_end.IsCancellationRequested)
        {
            try
            {
                // Completes when there is a datagram; a client that waits for nothing has no buffer.
                await _container.ReceiveAsync(first, SocketFlags.Peek, _end.Token).ConfigureAwait(false);
                Answer();
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // Nothing listens in the container yet, or any more: the client hears nothing, and tries again or does not.
            }
        }
    }

    private void Answer()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var received = _container.Receive(buffer, SocketFlags.None, out var error);
            if (error == SocketError.Success)
            {
                Touch();
                _inside?.Count(0, received);
                DatagramReply.Send(_listener, buffer.AsSpan(0, received), _client, _local);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Touch() => Volatile.Write(ref _last, Environment.TickCount64);
}
