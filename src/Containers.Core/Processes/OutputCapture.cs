using System.IO.Pipelines;
using Containers.Interop;
using Containers.Specification;

namespace Containers.Processes;

/// <summary>
/// Reads one output of a job: keeps the first bytes up to the limit, counts all, and on request hands everything on as it comes.
/// Memory never exceeds the limit plus a constant, however much is written and however slowly it is consumed.
/// </summary>
internal sealed class OutputCapture : IReactorHandler, IDisposable
{
    // What is discarded in one turn before the other descriptors get theirs.
    private const int DiscardSize = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Reactor _reactor;
    private readonly FileDescriptor _source;
    private readonly OutputBuffer _buffer;
    private readonly OutputOverflow _overflow;
    private readonly Action? _onOverflow;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ReactorRegistration? _registration;
    private LiveOutput? _live;
    private PipeReader? _reader;
    private long _totalBytes;
    private bool _hasOverflowed;
    private bool _hasEnded;

    /// <summary>Starts to read.</summary>
    /// <param name="reactor">The thread that reads.</param>
    /// <param name="source">The read end of a pipe, or a terminal's master; non-blocking. Owned from here on, closed at the end.</param>
    /// <param name="limit">How much is kept, and what happens past it.</param>
    /// <param name="onOverflow">
    /// Called once, on the reactor thread, when more than the limit was written and the limit says to kill. Reading goes on.
    /// </param>
    public OutputCapture(Reactor reactor, FileDescriptor source, OutputLimit limit, Action? onOverflow = null)
    {
        _reactor = reactor;
        _source = source;
        _buffer = new OutputBuffer(limit.Bytes);
        _overflow = limit.Overflow;
        _onOverflow = onOverflow;
        lock (_gate)
        {
            _registration = reactor.Register(source, EpollEvents.In, this);
        }
    }

    /// <summary>Completes when the output has ended. Fails only if it could not be read; what came before is still there.</summary>
    public Task Completion => _completion.Task;

    /// <summary>What was written so far; all of it once <see cref="Completion"/> has completed.</summary>
    public CapturedOutput Output
    {
        get
        {
            lock (_gate)
            {
                return _totalBytes == 0 ? CapturedOutput.Empty : new CapturedOutput(_buffer.ToSegments(), _totalBytes);
            }
        }
    }

    /// <summary>How many bytes were received so far.</summary>
    public long TotalBytes
    {
        get
        {
            lock (_gate)
            {
                return _totalBytes;
            }
        }
    }

    /// <summary>
    /// The output as it comes, from its first byte on; what went past the limit before the first use of this property is lost. From
    /// then on the job waits when the consumer is slow. A consumer that has seen enough completes the reader, and the job goes on.
    /// </summary>
    public PipeReader Reader
    {
        get
        {
            lock (_gate)
            {
                if (_reader is null)
                {
                    _live = new LiveOutput(_buffer, OnConsumed);
                    _reader = _live.Reader;
                    if (_hasEnded)
                    {
                        _live.CompleteWhenDelivered();
                    }
                    else
                    {
                        _live.Advance();
                    }

                    ReadOnOrNot();
                }

                return _reader;
            }
        }
    }

    /// <summary>
    /// Takes what the job left in the pipe and completes without waiting for its end, which a process that outlived the job can hold
    /// back. What a slow consumer has not read yet stays there for it. Harmless when the output has ended.
    /// </summary>
    public void CompleteAfterExit()
    {
        if (_completion.Task.IsCompleted)
        {
            return;
        }

        if (_reactor.IsCurrent)
        {
            DrainAndEnd();
        }
        else
        {
            // A reactor that has ended has abandoned, and so completed, this.
            _reactor.TryPost(DrainAndEnd);
        }
    }

    /// <summary>Stops reading at once. What was captured stays.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            End(failure: null);
        }
    }

    void IReactorHandler.OnReady(EpollEvents events)
    {
        var overflowed = false;
        lock (_gate)
        {
            // After a hang-up the rest is finite and the end is near: it is taken in one turn.
            var turns = events.HasFlag(EpollEvents.HangUp) ? DiscardSize / Reactor.ScratchSize : 1;
            while (turns-- > 0 && !_hasEnded && !IsHeldBack && Read(ref overflowed) > 0)
            {
            }
        }

        if (overflowed)
        {
            _onOverflow?.Invoke();
        }
    }

    void IReactorHandler.OnAbandoned(Exception reason)
    {
        lock (_gate)
        {
            End(reason);
        }
    }

    private bool IsHeldBack => _live is { IsWaiting: true };

    private void DrainAndEnd()
    {
        var overflowed = false;
        lock (_gate)
        {
            if (_hasEnded)
            {
                return;
            }

            // No more than a pipe can hold: something else may be writing on.
            for (long taken = 0; taken < DiscardSize && !_hasEnded;)
            {
                var count = Read(ref overflowed);
                if (count <= 0)
                {
                    break;
                }

                taken += count;
            }

            _live?.CompleteNow();
            End(failure: null);
        }

        if (overflowed)
        {
            _onOverflow?.Invoke();
        }
    }

    // Returns what was read; 0 at the end, negative when there is nothing now.
    private unsafe nint Read(ref bool overflowed)
    {
        nint count;
        if (_buffer.IsFull && _hasOverflowed && _live is null)
        {
            count = _reactor.Discard(_source, DiscardSize);
        }
        else
        {
            var scratch = _reactor.Scratch;
            fixed (byte* start = scratch)
            {
                count = Libc.Read(_source, start, (nuint)scratch.Length);
            }

            if (count > 0)
            {
                var bytes = scratch.AsSpan(0, (int)count);
                _buffer.Append(bytes);
                Deliver(bytes);
            }
        }

        if (count > 0)
        {
            _totalBytes += count;
            if (!_hasOverflowed && _totalBytes > _buffer.Length)
            {
                _hasOverflowed = true;
                overflowed = _overflow == OutputOverflow.Kill;
            }
        }
        else if (count == 0)
        {
            End(failure: null);
        }
        else
        {
            HandleError(ErrnoNames.Last);
        }

        return count;
    }

    private void HandleError(Errno errno)
    {
        switch (errno)
        {
            case Errno.EAGAIN or Errno.EINTR:
                break;
            // A terminal's master, when the last process has closed the other side (tty hang-up).
            case Errno.EIO:
                End(failure: null);
                break;
            default:
                End(new ContainerException("read output of the job", path: null, errno));
                break;
        }
    }

    private void Deliver(ReadOnlySpan<byte> bytes)
    {
        if (_live is not null)
        {
            _live.Write(bytes);
            ReadOnOrNot();
        }
    }

    /// <summary>Reads on or not, by whether the consumer keeps up.</summary>
    private void ReadOnOrNot()
    {
        if (_live is { IsGone: true })
        {
            _live = null;
        }

        _registration?.Modify(IsHeldBack ? EpollEvents.None : EpollEvents.In);
    }

    private void OnConsumed()
    {
        lock (_gate)
        {
            if (_live is { } live)
            {
                live.Resume();
                live.Advance();
                ReadOnOrNot();
            }
        }
    }

    private void End(Exception? failure)
    {
        if (_hasEnded)
        {
            return;
        }

        _hasEnded = true;
        _registration?.Dispose();
        _registration = null;
        _source.Dispose();
        _live?.CompleteWhenDelivered();
        if (failure is null)
        {
            _completion.SetResult();
        }
        else
        {
            _completion.SetException(failure);
        }
    }
}
