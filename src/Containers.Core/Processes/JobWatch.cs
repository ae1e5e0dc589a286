using System.Diagnostics;
using Containers.Launch;

namespace Containers.Processes;

/// <summary>Enforces what the engine itself limits: time on the clock, CPU time, output. Keeps the strongest reason it had to kill.</summary>
internal sealed class JobWatch(Reactor reactor, Action kill) : IDisposable
{
    /// <summary>CPU time is looked at when it could be used up at the earliest, but not more often than this.</summary>
    private static readonly TimeSpan ShortestCpuInterval = TimeSpan.FromMilliseconds(5);

    private readonly Lock _gate = new();
    private ReactorTimer? _timeout;
    private ReactorTimer? _cpuTimer;
    private Outcome? _enforced;
    private bool _hasEnded;

    /// <summary>When it was made, on <see cref="Stopwatch"/>'s clock.</summary>
    public long StartTimestamp { get; } = Stopwatch.GetTimestamp();

    public DateTimeOffset StartedAt { get; } = DateTimeOffset.UtcNow;

    /// <summary>Why the job was killed, or would have been had it not ended by itself; null: for nothing.</summary>
    public Outcome? Enforced
    {
        get
        {
            lock (_gate)
            {
                return _enforced;
            }
        }
    }

    /// <summary>Notes the reason and kills.</summary>
    public void Enforce(Outcome reason)
    {
        lock (_gate)
        {
            if (_hasEnded)
            {
                return;
            }
        }

        Note(reason);
        Interlocked.MemoryBarrier();
        kill();
    }

    /// <summary>The process can be killed from here on: a job may have broken a limit before whoever started it knew its process.</summary>
    public void ProcessIsKnown()
    {
        Interlocked.MemoryBarrier();
        if (Enforced is not null)
        {
            kill();
        }
    }

    /// <summary>Of several reasons, the later in <see cref="Outcome"/> stays.</summary>
    public void Note(Outcome reason)
    {
        lock (_gate)
        {
            _enforced = _enforced is { } earlier && earlier > reason ? earlier : reason;
        }
    }

    public void LimitTime(TimeSpan? timeout)
    {
        if (timeout is { } limit)
        {
            _timeout = reactor.Schedule(limit, () => Enforce(Outcome.TimedOut));
        }
    }

    /// <param name="limit">CPU time of all processes.</param>
    /// <param name="read">Gives what was used so far.</param>
    public void LimitCpuTime(TimeSpan limit, Func<TimeSpan?> read)
    {
        var used = read() ?? TimeSpan.Zero;
        if (used >= limit)
        {
            Enforce(Outcome.CpuTimeExceeded);
            return;
        }

        var earliest = (limit - used) / Environment.ProcessorCount;
        lock (_gate)
        {
            if (!_hasEnded)
            {
                // Reading files of a group is no work for the reactor thread.
                _cpuTimer = reactor.Schedule(
                    earliest > ShortestCpuInterval ? earliest : ShortestCpuInterval, () => ThreadPool.UnsafeQueueUserWorkItem(_ => LimitCpuTime(limit, read), null));
            }
        }
    }

    /// <summary>The job has ended: nothing is enforced any more, and reasons that came after the end do not count.</summary>
    /// <param name="exit">How it ended.</param>
    public void End(in JobExit exit)
    {
        lock (_gate)
        {
            _hasEnded = true;

            // The clock's kill lost the race: the job ended by itself, in time.
            if (_enforced == Outcome.TimedOut && exit.Signal is null)
            {
                _enforced = null;
            }
        }

        Dispose();
    }

    public TimeSpan WallTime(in JobExit exit) => Stopwatch.GetElapsedTime(StartTimestamp, exit.Timestamp);

    public void Dispose()
    {
        lock (_gate)
        {
            _hasEnded = true;
            _timeout?.Dispose();
            _cpuTimer?.Dispose();
        }
    }
}
