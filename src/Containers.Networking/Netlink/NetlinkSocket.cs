using Containers.Interop;

namespace Containers.Netlink;

/// <summary>
/// A netlink socket, and requests over it. It belongs to the network namespace it was opened in, wherever it is used later; see
/// <see cref="NetworkNamespace.Open"/> for another one's. Any thread may use it: requests go one after the other, and each blocks only for
/// as long as the kernel works on it, which for what this library asks is far below a millisecond, but waits for the kernel's own lock.
/// </summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    /// <summary>The kernel fills at most 32 KiB of a dump into one read (netlink_dump()); single messages are smaller.</summary>
    private const int ReceiveSize = 64 * 1024;

    /// <summary>Enough for one object and for acknowledgements.</summary>
    private const int BriefReceiveSize = 16 * 1024;

    /// <summary>A dump that was interrupted is read again; with changes all the time, some reading has to be the last.</summary>
    private const int MostDumps = 64;

    /// <summary>Answers to requests that failed before are skipped, but not for ever.</summary>
    private const int MostStaleMessages = 1 << 20;

    private const int MostInterruptions = 1000;

    private readonly FileDescriptor _socket;
    private readonly Lock _gate = new();
    private readonly byte[] _received;
    private readonly uint _portId;
    private uint _sequence = (uint)Environment.TickCount;
    private bool _broken;

    private NetlinkSocket(FileDescriptor socket, uint portId, bool brief = false)
    {
        _socket = socket;
        _portId = portId;
        _received = brief ? GC.AllocateUninitializedArray<byte>(BriefReceiveSize) : GC.AllocateUninitializedArray<byte>(ReceiveSize, pinned: true);
    }

    /// <summary>The address the kernel gave this socket; what a table of nf_tables that a socket owns is owned by.</summary>
    public uint PortId => _portId;

    public FileDescriptor Descriptor => _socket;

    /// <summary>Opens one in the network namespace that the calling thread is in.</summary>
    /// <param name="family">What to talk about.</param>
    /// <param name="brief">For some requests alone, none of which lists: costs less.</param>
    public static NetlinkSocket Open(NetlinkFamily family, bool brief = false) => Adopt(NetlinkSetup.Open(family), family, brief);

    /// <summary>Takes over a socket of that family that somebody opened, in whatever namespace; it is closed with this object.</summary>
    public static NetlinkSocket Adopt(FileDescriptor socket, NetlinkFamily family, bool brief = false)
    {
        try
        {
            NetlinkSetup.Configure(socket, family);
            return new NetlinkSocket(socket, NetlinkSetup.Bind(socket, family), brief);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>For tests: sees, and may change, what any socket is about to send.</summary>
    internal static Tap? Sending { get; set; }

    internal delegate void Tap(RequestContext context, Span<byte> messages);

    /// <summary>Over a socket whose other end is not the kernel: what tests of bad answers need.</summary>
    internal static NetlinkSocket Unchecked(FileDescriptor socket) => new(socket, 0);

    /// <summary>Does what one message asks for, and waits until it is done.</summary>
    /// <exception cref="NetworkException">The kernel refuses.</exception>
    public void Execute(MessageWriter request, RequestContext context)
    {
        lock (_gate)
        {
            Send(request, context);
            Receive<object>(request, context, _sequence, parser: null, results: null);
        }
    }

    /// <summary>Asks for one object.</summary>
    /// <exception cref="NetworkException">The kernel refuses; ENOENT, ENODEV and others: there is no such object.</exception>
    public T? Get<T>(MessageWriter request, RequestContext context, MessageParser<T> parser)
        where T : class
    {
        lock (_gate)
        {
            var results = new List<T>(1);
            Send(request, context);
            _ = Receive(request, context, _sequence, parser, results) == DumpState.Lost ? throw context.Failure(new NetlinkError(Errno.ENOBUFS, null, null, null), [], 0) : true;
            return results.Count > 0 ? results[0] : null;
        }
    }

    /// <summary>Reads all objects of a kind. A list that was changed while it was read is read again.</summary>
    /// <exception cref="NetworkException">The kernel refuses, or the list never stopped changing.</exception>
    public List<T> Dump<T>(MessageWriter request, RequestContext context, MessageParser<T> parser)
        where T : class
    {
        lock (_gate)
        {
            var results = new List<T>();
            for (var attempt = 0; attempt < MostDumps; attempt++)
            {
                results.Clear();
                Send(request, context);
                switch (Receive(request, context, _sequence, parser, results))
                {
                    case DumpState.Complete:
                        return results;
                    case DumpState.Lost:
                        // Parts did not fit. They end with their socket's reading, and the next attempt is behind them.
                        Drain();
                        break;
                }
            }

            throw new NetworkException(context.Step, context.Subject, Errno.EAGAIN, $"It changed each of the {MostDumps} times it was read; try again when fewer things happen.");
        }
    }

    /// <summary>
    /// Sends the messages as one and waits for the answer to the last, or to the first where the batch fails as a whole. Returns which
    /// message failed, and how; null: none.
    /// </summary>
    /// <param name="batch">Messages, the last but one with a request for acknowledgement.</param>
    /// <param name="context">What for.</param>
    /// <param name="acknowledged">The index of the message that asks for acknowledgement.</param>
    public (int Index, NetlinkError Error)? Batch(MessageWriter batch, RequestContext context, int acknowledged)
    {
        lock (_gate)
        {
            var first = _sequence + 1;
            Send(batch, context);
            (int, NetlinkError)? failure = null;
            for (var stale = 0; stale < MostStaleMessages;)
            {
                var reader = Read(context);
                while (TryNext(ref reader, out var message))
                {
                    var index = message.Header.Sequence - first;
                    if (message.Type != NetlinkHeader.TypeError || index >= batch.Count)
                    {
                        stale++;
                        continue;
                    }

                    var error = NetlinkError.Parse(message);
                    if (error.Errno != Errno.None)
                    {
                        failure ??= ((int)index, error);
                    }

                    if (index == acknowledged || (index == 0 && error.Errno != Errno.None))
                    {
                        return failure;
                    }
                }
            }

            throw OutOfStep(context);
        }
    }

    public void Dispose() => _socket.Dispose();

    private void Send(MessageWriter request, RequestContext context)
    {
        if (_broken)
        {
            throw OutOfStep(context);
        }

        request.Stamp(_sequence + 1, _portId);
        _sequence += (uint)request.Count;
        var bytes = request.Written;
        GrowSendBuffer(bytes.Length);
        fixed (byte* start = bytes)
        {
            Sending?.Invoke(context, new Span<byte>(start, bytes.Length));
            for (var attempt = 0; Libc.Send(_socket, start, (nuint)bytes.Length, Libc.MessageNoSignal) < 0; attempt++)
            {
                // Nothing of it was taken in any of these cases.
                var errno = ErrnoNames.Last;
                if (errno is not (Errno.EINTR or Errno.ENOBUFS or Errno.EAGAIN) || attempt >= MostInterruptions)
                {
                    throw new NetworkException(context.Step, context.Subject, errno,
                        errno == Errno.EMSGSIZE ? $"The request has {bytes.Length} bytes, more than net.core.wmem_max allows; make it several." : null);
                }
            }
        }
    }

    /// <summary>A message has to fit the send buffer as one; the default is 208 KiB.</summary>
    private void GrowSendBuffer(int length)
    {
        const int Default = 64 * 1024;
        if (length > Default && Libc.SetSocketOption(_socket, Libc.SocketLevel, Libc.OptionSendBufferForce, &length, sizeof(int)) != 0)
        {
            // Without the right to force, what the limit allows; where that is too little, sending says so.
            _ = Libc.SetSocketOption(_socket, Libc.SocketLevel, Libc.OptionSendBuffer, &length, sizeof(int));
        }
    }

    private DumpState Receive<T>(MessageWriter request, RequestContext context, uint sequence, MessageParser<T>? parser, List<T>? results)
        where T : class
    {
        var interrupted = false;
        for (var stale = 0; stale < MostStaleMessages;)
        {
            MessageReader reader;
            try
            {
                reader = Read(context);
            }
            catch (NetworkException failure) when (failure.ErrorNumber == (int)Errno.ENOBUFS && parser is not null)
            {
                return DumpState.Lost;
            }

            while (TryNext(ref reader, out var message))
            {
                if (message.Header.Sequence != sequence)
                {
                    stale++;
                    continue;
                }

                interrupted |= message.Header.Flags.HasFlag(NetlinkFlags.DumpInterrupted) && message.Type != NetlinkHeader.TypeError;
                switch (message.Type)
                {
                    case NetlinkHeader.TypeError or NetlinkHeader.TypeDone:
                        if (NetlinkError.Parse(message) is { Errno: not Errno.None } error)
                        {
                            // What a dump that fails by being interrupted says at its end.
                            return error.Errno == Errno.EINTR && message.Type == NetlinkHeader.TypeDone
                                ? DumpState.Interrupted
                                : throw context.Failure(error, request.Message(0), FamilyHeaderSize(request.Message(0)));
                        }

                        return interrupted ? DumpState.Interrupted : DumpState.Complete;
                    case NetlinkHeader.TypeOverrun:
                        return DumpState.Lost;
                    case >= NetlinkHeader.FirstFamilyType when parser is not null && !interrupted:
                        Collect(message, parser, results!);
                        break;
                }
            }
        }

        throw OutOfStep(context);
    }

    /// <summary>What one read gives; messages of other processes, which can send to this socket too, are not among them.</summary>
    private MessageReader Read(RequestContext context)
    {
        for (var attempt = 0; attempt < MostInterruptions; attempt++)
        {
            var received = ReceiveOnce(wait: true, out var fromKernel, out var truncated);
            if (received >= 0)
            {
                if (!fromKernel)
                {
                    continue;
                }

                return truncated || received == 0 ? throw Broken(MessageReader.Malformed($"a message of more than {_received.Length} bytes")) : new MessageReader(_received.AsSpan(0, received));
            }

            var errno = ErrnoNames.Last;
            if (errno != Errno.EINTR)
            {
                _broken |= errno != Errno.ENOBUFS;
                throw errno == Errno.EAGAIN
                    ? new NetworkException(context.Step, context.Subject, Errno.ETIMEDOUT, "The kernel did not answer for half a minute: something holds its lock of network settings.")
                    : context.Failure(new NetlinkError(errno, null, null, null), [], 0);
            }
        }

        throw OutOfStep(context);
    }

    private int ReceiveOnce(bool wait, out bool fromKernel, out bool truncated)
    {
        Libc.NetlinkAddress sender = default;
        fixed (byte* buffer = _received)
        {
            var part = new Libc.IoVector { Base = buffer, Length = (nuint)_received.Length };
            var header = new Libc.MessageHeader { Name = &sender, NameLength = (ulong)sizeof(Libc.NetlinkAddress), Parts = &part, PartCount = 1 };
            var received = Libc.ReceiveMessage(_socket, &header, wait ? 0 : Libc.MessageDontWait);

            // glibc's msghdr has 32 bits of name length and 32 of padding; flags likewise.
            fromKernel = sender.PortId == 0;
            truncated = ((int)header.Flags & Libc.MessageTruncated) != 0;
            return (int)received;
        }
    }

    private void Drain()
    {
        while (ReceiveOnce(wait: false, out _, out _) > 0)
        {
        }
    }

    private bool TryNext(ref MessageReader reader, out NetlinkMessage message)
    {
        try
        {
            return reader.TryRead(out message);
        }
        catch (NetworkException failure)
        {
            throw Broken(failure);
        }
    }

    private void Collect<T>(NetlinkMessage message, MessageParser<T> parser, List<T> results)
        where T : class
    {
        try
        {
            if (parser(message) is { } result)
            {
                results.Add(result);
            }
        }
        catch (NetworkException failure)
        {
            throw Broken(failure);
        }
    }

    /// <summary>After an answer that makes no sense, the rest of it would be taken for the answer to the next request.</summary>
    private NetworkException Broken(NetworkException failure)
    {
        _broken = true;
        return failure;
    }

    private NetworkException OutOfStep(RequestContext context)
    {
        _broken = true;
        return new NetworkException(context.Step, context.Subject, Errno.EPROTO, "What was read from the netlink socket is no answer to what was asked; open another.");
    }

    private static int FamilyHeaderSize(ReadOnlySpan<byte> message) => FamilyHeaders.SizeFor(BitConverter.ToUInt16(message[4..]));

    private enum DumpState
    {
        Complete,
        Interrupted,
        Lost,
    }
}
