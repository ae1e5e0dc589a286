using System.IO.Pipelines;
using Containers.Interop;

namespace Containers.Processes;

/// <summary>
/// Writes a job's input as fast as it is read, from the reactor thread. A job that never reads blocks nothing; one that closes
/// its input ends the pump in silence, as a pipe in a shell does.
/// </summary>
internal sealed class InputPump : IReactorHandler, IDisposable
{
    /// <summary>VEOF of a terminal in its default settings (termios(3)): Ctrl-D.</summary>
    private static readonly byte[] EndOfFileCharacter = [4];

    private readonly Lock _gate = new();
    private readonly Reactor _reactor;
    private readonly FileDescriptor _target;
    private readonly bool _isTerminal;
    private readonly CancellationTokenSource _ended = new();
    private ReactorRegistration? _registration;
    private ReadOnlyMemory<byte> _pending;
    private TaskCompletionSource? _written;
    private Pipe? _live;
    private bool _hasEnded;

    /// <param name="reactor">The thread that writes.</param>
    /// <param name="target">The write end, non-blocking. Owned from here on.</param>
    /// <param name="isTerminal">It is a terminal's master, where end-of-file is a character and not the closing.</param>
    public InputPump(Reactor reactor, FileDescriptor target, bool isTerminal)
    {
        _isTerminal = isTerminal;
        _reactor = reactor;
        _target = target;
    }

    /// <summary>What is written here the job reads; completing it is the end of the input.</summary>
    public PipeWriter Writer
    {
        get
        {
            lock (_gate)
            {
                if (_live is null)
                {
                    _live = new Pipe(new PipeOptions(useSynchronizationContext: false));
                    _ = CopyAsync(_live.Reader.AsStream());
                }

                return _live.Writer;
            }
        }
    }

    /// <summary>Writes these bytes and closes. What fits the pipe is written at once, without the reactor.</summary>
    public void Send(ReadOnlyMemory<byte> bytes)
    {
        if (TryWrite(ref bytes) && bytes.IsEmpty)
        {
            Dispose();
        }
        else
        {
            _ = FinishAsync(bytes);
        }
    }

    /// <summary>Copies the stream as the job reads, and closes at its end. The stream stays the caller's.</summary>
    public void Send(Stream stream) => _ = CopyAsync(stream);

    /// <summary>Closes the input now.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_hasEnded)
            {
                return;
            }

            if (_isTerminal)
            {
                ReadOnlyMemory<byte> endOfFile = EndOfFileCharacter;
                TryWrite(ref endOfFile);
            }

            _hasEnded = true;
            _registration?.Dispose();
            _target.Dispose();
            _written?.TrySetCanceled();
        }

        _ended.Cancel();
        _ended.Dispose();
    }

    void IReactorHandler.OnReady(EpollEvents events)
    {
        TaskCompletionSource? written = null;
        lock (_gate)
        {
            if (!TryWrite(ref _pending) || _pending.IsEmpty)
            {
                _registration?.Modify(EpollEvents.None);
                written = _written;
                _written = null;
            }
        }

        written?.TrySetResult();
    }

    void IReactorHandler.OnAbandoned(Exception reason) => Dispose();

    /// <summary>Writes what the pipe takes. False: the job reads no more.</summary>
    private unsafe bool TryWrite(ref ReadOnlyMemory<byte> bytes)
    {
        lock (_gate)
        {
            while (!_hasEnded && !bytes.IsEmpty)
            {
                nint count;
                fixed (byte* start = bytes.Span)
                {
                    count = Libc.Write(_target, start, (nuint)bytes.Length);
                }

                if (count >= 0)
                {
                    bytes = bytes[(int)count..];
                }
                else if (ErrnoNames.Last == Errno.EAGAIN)
                {
                    return true;
                }
                else if (ErrnoNames.Last != Errno.EINTR)
                {
                    // EPIPE, or EIO of a terminal: nobody reads any more.
                    bytes = ReadOnlyMemory<byte>.Empty;
                    return false;
                }
            }

            return !_hasEnded;
        }
    }

    private Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        lock (_gate)
        {
            if (_hasEnded)
            {
                return Task.FromCanceled(new CancellationToken(canceled: true));
            }

            _pending = bytes;
            _written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_registration is null)
            {
                _registration = _reactor.Register(_target, EpollEvents.Out, this);
            }
            else
            {
                _registration.Modify(EpollEvents.Out);
            }

            return _written.Task;
        }
    }

    private async Task FinishAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await WriteAsync(bytes).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Disposed: the container has ended before it read everything.
        }

        Dispose();
    }

    private async Task CopyAsync(Stream stream)
    {
        const int BufferSize = 32 * 1024;
        var buffer = new byte[BufferSize];
        try
        {
            while (true)
            {
                var count = await stream.ReadAsync(buffer, EndToken()).ConfigureAwait(false);
                if (count == 0)
                {
                    break;
                }

                ReadOnlyMemory<byte> rest = buffer.AsMemory(0, count);
                if (!TryWrite(ref rest))
                {
                    break;
                }

                if (!rest.IsEmpty)
                {
                    await WriteAsync(rest).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed: the container has ended.
        }
        finally
        {
            Dispose();
            _live?.Reader.Complete();
        }
    }

    private CancellationToken EndToken()
    {
        lock (_gate)
        {
            return _hasEnded ? new CancellationToken(canceled: true) : _ended.Token;
        }
    }
}
