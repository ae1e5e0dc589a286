using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Containers.Processes;

/// <summary>
/// An output handed on as it comes: first what the capture holds, then each piece as it is read. While the consumer is behind,
/// nothing more is taken. Not thread-safe: the capture's lock is held around every call.
/// </summary>
internal sealed class LiveOutput
{
    private const int PauseThreshold = 64 * 1024;

    private readonly OutputBuffer _buffer;
    private readonly Action _onConsumed;
    private readonly Pipe _pipe;
    private ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter _flush;
    private (int Array, int Offset) _place;
    private bool _isCompleting;
    private bool _hasUnflushed;

    /// <param name="buffer">What was captured so far, and grows with what is captured.</param>
    /// <param name="onConsumed">Called when the consumer has caught up, or wants no more: for <see cref="Resume"/>, and to go on.</param>
    public LiveOutput(OutputBuffer buffer, Action onConsumed)
    {
        _buffer = buffer;
        _onConsumed = onConsumed;
        _pipe = new Pipe(new PipeOptions(pauseWriterThreshold: PauseThreshold, resumeWriterThreshold: PauseThreshold / 2, useSynchronizationContext: false));
    }

    public PipeReader Reader => _pipe.Reader;

    /// <summary>The consumer is behind.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>The consumer has completed its reader, or has been given everything.</summary>
    public bool IsGone { get; private set; }

    /// <summary>Takes a piece that was just read. Only what the buffer had no room for is copied here: the rest is found there.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        CopyBacklog();
        Copy(bytes[_buffer.LastKept..]);
        Advance();
    }

    /// <summary>Hands on what there is, as far as the consumer keeps up.</summary>
    public void Advance()
    {
        while (!IsWaiting && !IsGone)
        {
            Copy(_buffer.ReadNext(ref _place));
            if (!_hasUnflushed)
            {
                if (_isCompleting)
                {
                    IsGone = true;
                    _pipe.Writer.Complete();
                }

                return;
            }

            Flush();
        }
    }

    /// <summary>The output has ended; the consumer sees its end after the last byte.</summary>
    public void CompleteWhenDelivered()
    {
        _isCompleting = true;
        Advance();
    }

    /// <summary>The consumer has caught up, or wants no more.</summary>
    public void Resume()
    {
        IsWaiting = false;

        // Completing the writer has handed on more since: the pipe may wait for the consumer again, and then there is no result.
        if (!IsGone)
        {
            Conclude(_flush.GetResult());
        }
    }

    /// <summary>
    /// The rest, which is bounded, is handed on at once although the consumer is behind: completing the writer delivers it.
    /// </summary>
    public void CompleteNow()
    {
        if (!IsGone)
        {
            CopyBacklog();
            IsGone = true;
            _pipe.Writer.Complete();
        }
    }

    private void CopyBacklog()
    {
        ReadOnlySpan<byte> bytes;
        while (!IsGone && !(bytes = _buffer.ReadNext(ref _place)).IsEmpty)
        {
            Copy(bytes);
        }
    }

    private void Copy(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.IsEmpty && !IsGone)
        {
            bytes.CopyTo(_pipe.Writer.GetSpan(bytes.Length));
            _pipe.Writer.Advance(bytes.Length);
            _hasUnflushed = true;
        }
    }

    private void Flush()
    {
        _hasUnflushed = false;
        var flush = _pipe.Writer.FlushAsync();
        if (flush.IsCompletedSuccessfully)
        {
            Conclude(flush.Result);
            return;
        }

        IsWaiting = true;
        _flush = flush.ConfigureAwait(false).GetAwaiter();
        _flush.UnsafeOnCompleted(_onConsumed);
    }

    /// <summary>A consumer that completed its reader wants no more.</summary>
    private void Conclude(FlushResult result)
    {
        if (result.IsCompleted)
        {
            IsGone = true;
            _pipe.Writer.Complete();
        }
    }
}
