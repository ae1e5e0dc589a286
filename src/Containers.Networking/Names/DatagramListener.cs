using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Containers.Names;

/// <summary>Queries over UDP: one socket, one piece of work that answers what is known here at once; what is forwarded goes on beside it.</summary>
internal sealed class DatagramListener : IAsyncDisposable
{
    /// <summary>Longer queries are nobody's; one byte more, so that a longer one is seen to be.</summary>
    private const int BufferSize = 4096 + 1;

    /// <summary>So many messages, then others of the pool have their turn: a flood must not keep a thread of the application.</summary>
    private const uint Turns = 64;

    /// <summary>Where the kernel has no memory or no descriptor for the moment, nothing tells when it has again.</summary>
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(50);

    private readonly Socket _socket;
    private readonly NameZone _zone;
    private readonly NameResponder _responder;
    private readonly CancellationTokenSource _end = new();
    private readonly PendingWork _pending = new();
    private readonly Task _loop;

    /// <param name="socket">A bound socket; closed with this object.</param>
    /// <param name="zone">Whom it serves, and what they see.</param>
    /// <param name="responder">Answers what is not known here.</param>
    public DatagramListener(Socket socket, NameZone zone, NameResponder responder)
    {
        (_socket, _zone, _responder) = (socket, zone, responder);

        // An answer for which there is no room is lost, as datagrams are: one container that takes none must not stop the others.
        _socket.Blocking = false;
        _loop = Task.Run(ReceiveAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await _pending.CompleteAsync().ConfigureAwait(false);
        _socket.Dispose();
        _end.Dispose();
    }

    private async Task ReceiveAsync()
    {
        var buffer = GC.AllocateUninitializedArray<byte>(BufferSize, pinned: true);
        var answer = GC.AllocateUninitializedArray<byte>(NameAnswers.LongestDatagram, pinned: true);
        var asker = new SocketAddress(_socket.AddressFamily);
        for (uint turn = 1; !_end.IsCancellationRequested; turn++)
        {
            try
            {
                var length = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, asker, _end.Token).ConfigureAwait(false);
                if (length < BufferSize)
                {
                    Handle(buffer.AsSpan(0, length), asker, answer);
                }

                if (turn % Turns == 0)
                {
                    await Task.Yield();
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(Breath, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private void Handle(ReadOnlySpan<byte> message, SocketAddress asker, byte[] answer)
    {
        var view = _zone.ViewOf(AskerAddress.Of(asker));
        var isWatched = view?.Observer is not null;
        var length = 0;
        var query = default(DnsQuery);
        var verdict = isWatched ? QueryVerdict.Forward : NameAnswers.Decide(message, view, isDatagram: true, answer, out length, out query);
        if (verdict == QueryVerdict.Forward)
        {
            if (_responder.TryEnter(view!))
            {
                var copy = ArrayPool<byte>.Shared.Rent(message.Length);
                message.CopyTo(copy);
                var to = new SocketAddress(asker.Family, asker.Size);
                asker.Buffer.Span[..asker.Size].CopyTo(to.Buffer.Span);
                _pending.Enter();
                _ = RespondAsync(copy, message.Length, view!, to);
                return;
            }

            length = isWatched ? 0 : NameAnswers.Fail(message, query, ResponseCode.ServerFailure, answer);
        }

        if (length > 0)
        {
            Send(answer.AsSpan(0, length), asker);
        }
    }

    private async Task RespondAsync(byte[] message, int size, NameView view, SocketAddress asker)
    {
        var answer = ArrayPool<byte>.Shared.Rent(QueryForwarder.LongestDatagram + 1);
        try
        {
            // Whoever watches over a container may have to wait for the kernel, and the others must not wait with it.
            await Task.CompletedTask.ConfigureAwait(view.Observer is null ? ConfigureAwaitOptions.None : ConfigureAwaitOptions.ForceYielding);
            var room = answer.AsMemory(0, QueryForwarder.LongestDatagram + 1);
            var length = await RespondAsync(message.AsMemory(0, size), view, room).ConfigureAwait(false);
            if (length > 0)
            {
                Send(answer.AsSpan(0, length), asker);
            }
        }
        catch (OperationCanceledException)
        {
            // The server ends, and with it the network that the client is in.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(answer);
            ArrayPool<byte>.Shared.Return(message);
            _pending.Exit();
        }
    }

    /// <summary>Gives its room back before the client hears the answer and asks the next question.</summary>
    private async ValueTask<int> RespondAsync(ReadOnlyMemory<byte> message, NameView view, Memory<byte> answer)
    {
        try
        {
            return await _responder.RespondAsync(message, view, isDatagram: true, answer, _end.Token).ConfigureAwait(false);
        }
        finally
        {
            _responder.Exit(view);
        }
    }

    private void Send(ReadOnlySpan<byte> answer, SocketAddress asker)
    {
        try
        {
            _socket.SendTo(answer, SocketFlags.None, asker);
        }
        catch (SocketException)
        {
            // No room, no way there any more, or a rule against it: the client asks again, or is gone.
        }
    }
}
