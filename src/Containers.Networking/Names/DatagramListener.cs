using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Containers.Names;

/// <summary>Queries over UDP: one socket, one piece of work that answers what is known here at once; what is forwarded goes on beside it.</summary>
internal sealed class DatagramListener : NameListener
{
    /// <summary>Longer queries are nobody's; one byte more, so that a longer one is seen to be.</summary>
    private const int BufferSize = 4096 + 1;

    /// <summary>So many messages a turn: a flood must not keep a thread of the application.</summary>
    private const int Turn = 64;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferSize, pinned: true);
    private readonly byte[] _answer = GC.AllocateUninitializedArray<byte>(NameAnswers.LongestDatagram, pinned: true);
    private readonly SocketAddress _asker;

    /// <param name="socket">A bound socket; closed with this object.</param>
    /// <param name="zone">Whom it serves, and what they see.</param>
    /// <param name="responder">Answers what is not known here.</param>
    public DatagramListener(Socket socket, NameZone zone, NameResponder responder)
        : base(socket, zone, responder)
    {
        _asker = new SocketAddress(socket.AddressFamily);

        // An answer for which there is no room is lost, as datagrams are: one container that takes none must not stop the others.
        socket.Blocking = false;
        Start();
    }

    protected override async ValueTask TakeAsync()
    {
        for (var i = 0; i < Turn; i++)
        {
            var length = await Socket.ReceiveFromAsync(_buffer, SocketFlags.None, _asker, End).ConfigureAwait(false);
            if (length < BufferSize)
            {
                Handle(_buffer.AsSpan(0, length), _asker, _answer);
            }
        }
    }

    private void Handle(ReadOnlySpan<byte> message, SocketAddress asker, byte[] answer)
    {
        var view = Zone.ViewOf(AskerAddress.Of(asker));
        var isWatched = view?.Observer is not null;
        var length = 0;
        var query = default(DnsQuery);
        var verdict = isWatched ? QueryVerdict.Forward : NameAnswers.Decide(message, view, isDatagram: true, answer, out length, out query);
        if (verdict == QueryVerdict.Forward)
        {
            if (Responder.TryEnter(view!))
            {
                var copy = ArrayPool<byte>.Shared.Rent(message.Length);
                message.CopyTo(copy);
                var to = new SocketAddress(asker.Family, asker.Size);
                asker.Buffer.Span[..asker.Size].CopyTo(to.Buffer.Span);
                Pending.Enter();
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
            Pending.Exit();
        }
    }

    /// <summary>Gives its room back before the client hears the answer and asks the next question.</summary>
    private async ValueTask<int> RespondAsync(ReadOnlyMemory<byte> message, NameView view, Memory<byte> answer)
    {
        try
        {
            return await Responder.RespondAsync(message, view, isDatagram: true, answer, End).ConfigureAwait(false);
        }
        finally
        {
            Responder.Exit(view);
        }
    }

    private void Send(ReadOnlySpan<byte> answer, SocketAddress asker)
    {
        try
        {
            Socket.SendTo(answer, SocketFlags.None, asker);
        }
        catch (SocketException)
        {
            // No room, no way there any more, or a rule against it: the client asks again, or is gone.
        }
    }
}
