using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Containers.Names;

/// <summary>
/// Asks the host's resolvers, from the host's own network, for all networks of an engine. Each question goes out from a port and with a number
/// by chance, so that nobody who does not see it can answer it; what comes back must be of that question.
/// </summary>
internal sealed class QueryForwarder : IDisposable
{
    /// <summary>Each is a descriptor of the host's process.</summary>
    public const int MostAtOnce = 512;

    /// <summary>The longest message over UDP that is taken; no resolver sends longer ones.</summary>
    public const int LongestDatagram = 4096;

    /// <summary>Most clients ask again after five seconds: by then they should know.</summary>
    private const double Budget = 4.5;
    private const int FewestTries = 2;
    private const int MostTries = 3;

    /// <summary>Milliseconds for which a server that did not answer is asked after the others.</summary>
    private const long Grudge = 10_000;

    private readonly ResolverSockets _sockets = new();
    private readonly Quota _all = new(MostAtOnce);
    private readonly ConcurrentDictionary<IPEndPoint, long> _silent = new();

    /// <summary>Room for one more, for a container; <see cref="Exit"/> has to follow.</summary>
    public bool TryEnter(AskerLimits limits)
    {
        if (!limits.Forwarded.TryTake())
        {
            return false;
        }

        if (_all.TryTake())
        {
            return true;
        }

        limits.Forwarded.Return();
        return false;
    }

    public void Exit(AskerLimits limits)
    {
        _all.Return();
        limits.Forwarded.Return();
    }

    public void Dispose() => _sockets.Dispose();

    /// <summary>Asks one server after the other.</summary>
    /// <param name="message">The query; sent as it is, but for its number.</param>
    /// <param name="query">What was read of it.</param>
    /// <param name="view">Whose it is, and so who is asked.</param>
    /// <param name="isDatagram">By UDP, otherwise by TCP.</param>
    /// <param name="answer">Room for the answer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The length of the answer; 0: nobody answers.</returns>
    public async Task<int> AskAsync(ReadOnlyMemory<byte> message, DnsQuery query, NameView view, bool isDatagram, Memory<byte> answer, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(message.Length + sizeof(ushort));
        try
        {
            // With the length before it, as TCP wants it.
            var framed = buffer.AsMemory(0, message.Length + sizeof(ushort));
            BinaryPrimitives.WriteUInt16BigEndian(framed.Span, (ushort)message.Length);
            message.CopyTo(framed[sizeof(ushort)..]);
            var length = await AskInTurnAsync(framed, query, Order(view.Servers ?? view.Registry.Resolvers.Current.Servers), isDatagram, answer, cancellationToken).ConfigureAwait(false);
            if (length > 0)
            {
                message.Span[..sizeof(ushort)].CopyTo(answer.Span);
            }

            return length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<int> AskInTurnAsync(Memory<byte> framed, DnsQuery query, IPEndPoint[] servers, bool isDatagram, Memory<byte> answer, CancellationToken cancellationToken)
    {
        if (servers.Length == 0)
        {
            return 0;
        }

        var tries = Math.Clamp(servers.Length, FewestTries, MostTries);
        for (var i = 0; i < tries; i++)
        {
            var server = servers[i % servers.Length];
            RandomNumberGenerator.Fill(framed.Span.Slice(sizeof(ushort), sizeof(ushort)));
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(TimeSpan.FromSeconds(Budget / tries));
            try
            {
                var length = isDatagram
                    ? await AskDatagramAsync(server, framed[sizeof(ushort)..], query, answer, patience.Token).ConfigureAwait(false)
                    : await AskStreamAsync(server, framed, query, answer, patience.Token).ConfigureAwait(false);
                _silent.TryRemove(server, out _);
                if (length > 0 && (i + 1 >= servers.Length || !IsUnable(answer.Span)))
                {
                    return length;
                }
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                _silent[server] = Environment.TickCount64;
            }
            catch (SocketException)
            {
                // Nobody is there, or no way to it, or no descriptor is left: the next one, and where there is none the client is told.
                _silent[server] = Environment.TickCount64;
            }
        }

        return 0;
    }

    private async Task<int> AskDatagramAsync(IPEndPoint server, ReadOnlyMemory<byte> message, DnsQuery query, Memory<byte> answer, CancellationToken cancellationToken)
    {
        var socket = _sockets.Take(server);
        var isClean = false;
        try
        {
            await socket.SendAsync(message, cancellationToken).ConfigureAwait(false);
            for (var received = 1; ; received++)
            {
                var length = await socket.ReceiveAsync(answer, cancellationToken).ConfigureAwait(false);
                if (IsAnswer(message.Span, query, answer.Span[..length]))
                {
                    isClean = received == 1;
                    return length;
                }
            }
        }
        finally
        {
            if (isClean)
            {
                _sockets.Return(socket);
            }
            else
            {
                // Answers may still come to it, or somebody guesses.
                socket.Dispose();
            }
        }
    }

    private static async Task<int> AskStreamAsync(IPEndPoint server, ReadOnlyMemory<byte> framed, DnsQuery query, Memory<byte> answer, CancellationToken cancellationToken)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, cancellationToken).ConfigureAwait(false);
        await StreamMessages.SendAsync(socket, framed, cancellationToken).ConfigureAwait(false);
        var length = await StreamMessages.ReceiveAsync(socket, answer, cancellationToken).ConfigureAwait(false);
        return length > 0 && IsAnswer(framed.Span[sizeof(ushort)..], query, answer.Span[..length]) ? length : 0;
    }

    private static bool IsAnswer(ReadOnlySpan<byte> message, in DnsQuery query, ReadOnlySpan<byte> answer) =>
        query.IsAnsweredBy(message, answer) && message[..sizeof(ushort)].SequenceEqual(answer[..sizeof(ushort)]);

    /// <summary>The server cannot, so that another is asked, as the libraries do.</summary>
    private static bool IsUnable(ReadOnlySpan<byte> answer) =>
        (ResponseCode)(answer[3] & DnsQuery.CodeBits) is ResponseCode.ServerFailure or ResponseCode.NotImplemented or ResponseCode.Refused;

    private IPEndPoint[] Order(ImmutableArray<IPEndPoint> servers)
    {
        var now = Environment.TickCount64;
        return _silent.IsEmpty ? [.. servers] : [.. servers.OrderBy(server => _silent.TryGetValue(server, out var since) && now - since < Grudge)];
    }
}
