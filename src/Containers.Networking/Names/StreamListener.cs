using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Containers.Names;

/// <summary>Queries over TCP: any number on one connection, one after the other. Whoever says nothing for a while is left.</summary>
internal sealed class StreamListener : NameListener
{
    /// <summary>Connections of all that this server serves.</summary>
    public const int MostConnections = 256;
    private const int LongestQuery = 4096;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Quota _connections = new(MostConnections);

    /// <param name="socket">A listening socket; closed with this object.</param>
    /// <param name="zone">Whom it serves, and what they see.</param>
    /// <param name="responder">Answers what is not known here.</param>
    public StreamListener(Socket socket, NameZone zone, NameResponder responder)
        : base(socket, zone, responder) => Start();

    protected override async ValueTask TakeAsync() => Enter(await Socket.AcceptAsync(End).ConfigureAwait(false));

    /// <summary>Serves a connection of somebody known who has not too many, and ends all others.</summary>
    private void Enter(Socket connection)
    {
        var asker = connection.RemoteEndPoint is IPEndPoint { Address: var address } ? address.GetAddressBytes() : [];
        if (Zone.ViewOf(asker)?.Limits is not { } limits || !limits.Connections.TryTake())
        {
            connection.Dispose();
            return;
        }

        if (!_connections.TryTake())
        {
            limits.Connections.Return();
            connection.Dispose();
            return;
        }

        Pending.Enter();
        _ = ServeAsync(connection, asker, limits);
    }

    private async Task ServeAsync(Socket connection, byte[] asker, AskerLimits limits)
    {
        var message = ArrayPool<byte>.Shared.Rent(LongestQuery);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(End);
        try
        {
            connection.NoDelay = true;
            while (true)
            {
                patience.CancelAfter(Patience);
                var length = await StreamMessages.ReceiveAsync(connection, message.AsMemory(0, LongestQuery), patience.Token).ConfigureAwait(false);
                if (length == 0 || !await AnswerAsync(connection, asker, message.AsMemory(0, length), patience.Token).ConfigureAwait(false))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It was silent for too long, or the server ends.
        }
        catch (SocketException)
        {
            // The client is gone.
        }
        finally
        {
            connection.Dispose();
            ArrayPool<byte>.Shared.Return(message);
            _connections.Return();
            limits.Connections.Return();
            Pending.Exit();
        }
    }

    private async ValueTask<bool> AnswerAsync(Socket connection, byte[] asker, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(NameAnswers.LongestMessage + sizeof(ushort));
        try
        {
            var answer = buffer.AsMemory(sizeof(ushort), NameAnswers.LongestMessage);
            var length = await RespondAsync(asker, message, answer, cancellationToken).ConfigureAwait(false);
            if (length == 0)
            {
                return false;
            }

            BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)length);
            await StreamMessages.SendAsync(connection, buffer.AsMemory(0, sizeof(ushort) + length), cancellationToken).ConfigureAwait(false);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<int> RespondAsync(byte[] asker, ReadOnlyMemory<byte> message, Memory<byte> answer, CancellationToken cancellationToken)
    {
        if (Zone.ViewOf(asker) is not { } view)
        {
            NameAnswers.Decide(message.Span, view: null, isDatagram: false, answer.Span, out var refused, out _);
            return refused;
        }

        if (!Responder.TryEnter(view))
        {
            // Too much is under way: the connection ends, and the client asks again.
            return 0;
        }

        try
        {
            return await Responder.RespondAsync(message, view, isDatagram: false, answer, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Responder.Exit(view);
        }
    }
}
