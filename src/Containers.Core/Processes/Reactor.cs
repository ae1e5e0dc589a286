using System.Diagnostics;
using Containers.Interop;

namespace Containers.Processes;

/// <summary>
/// The one thread that waits: for processes to end, pipes to fill and drain, terminals, timers, and work posted by other threads.
/// Members may be called from any thread; handlers, callbacks and posted work run on the reactor thread, one at a time.
/// </summary>
internal sealed class Reactor : IDisposable
{
    /// <summary>The size of <see cref="Scratch"/>, and of a pipe the kernel makes (pipe(7)).</summary>
    public const int ScratchSize = 64 * 1024;

    private const int NanosecondsPerTick = 100;

    private readonly Lock _gate = new();
    private readonly EpollSet _set = new();
    private readonly TimerHeap _timers = new();
    private readonly RegistrationSlots _slots = new();
    private readonly Action<Exception> _faultSink;
    private readonly FileDescriptor _nowhere = Libc.Open("/dev/null", Libc.OpenWriteOnly | Libc.OpenCloseOnExec);
    private readonly Thread _thread;
    private Queue<Action> _posted = new();
    private Queue<Action> _running = new();
    private bool _isWaiting;
    private bool _isDisposed;

    /// <summary>Starts the thread.</summary>
    /// <param name="faultSink">Told what handlers, callbacks and posted work threw. Runs on the reactor thread.</param>
    public Reactor(Action<Exception> faultSink)
    {
        _faultSink = faultSink;
        _thread = new Thread(Run) { Name = "containers-reactor", IsBackground = true };
        _thread.UnsafeStart();
    }

    /// <summary>Whether the caller is on the reactor thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>A buffer for the handler that is running, and only until it returns.</summary>
    internal byte[] Scratch { get; } = GC.AllocateUninitializedArray<byte>(ScratchSize, pinned: true);

    /// <summary>Runs <paramref name="work"/> on the reactor thread, after what was posted before it.</summary>
    /// <exception cref="ObjectDisposedException">The reactor was disposed.</exception>
    public void Post(Action work) => ObjectDisposedException.ThrowIf(!TryPost(work), this);

    /// <summary>As <see cref="Post"/>; false when the reactor was disposed.</summary>
    public bool TryPost(Action work)
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return false;
            }

            _posted.Enqueue(work);
            WakeIfWaiting();
            return true;
        }
    }

    /// <summary>Waits for <paramref name="events"/> of a descriptor, by level. The descriptor stays open until the registration is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The reactor or the descriptor was disposed.</exception>
    /// <exception cref="ContainerException">The kernel cannot wait for such a descriptor, or has no memory or watches left.</exception>
    public ReactorRegistration Register(FileDescriptor fd, EpollEvents events, IReactorHandler handler)
    {
        var registration = new ReactorRegistration(this, fd, handler);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var referenced = false;
            fd.DangerousAddRef(ref referenced);
            _slots.Take(registration);
            try
            {
                SetInterest(registration, events);
            }
            catch
            {
                _slots.Free(registration);
                throw;
            }
        }

        return registration;
    }

    /// <summary>Runs <paramref name="callback"/> once on the reactor thread, never before <paramref name="dueIn"/> has passed.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dueIn"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The reactor was disposed.</exception>
    public ReactorTimer Schedule(TimeSpan dueIn, Action callback)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dueIn, TimeSpan.Zero);
        var now = Now();
        var due = dueIn.Ticks > (long.MaxValue - now) / NanosecondsPerTick ? long.MaxValue : now + (dueIn.Ticks * NanosecondsPerTick);
        var timer = new ReactorTimer(this, due, callback);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _timers.Add(timer);
            if (_timers.First == timer)
            {
                WakeIfWaiting();
            }
        }

        return timer;
    }

    /// <summary>
    /// Ends the thread: what is running and what was posted is finished, timers are dropped and handlers abandoned. Returns when the
    /// thread has ended, or at once on the reactor thread itself.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            WakeIfWaiting();
        }

        if (!IsCurrent)
        {
            _thread.Join();
        }
    }

    internal bool Cancel(ReactorTimer timer)
    {
        lock (_gate)
        {
            return _timers.Remove(timer);
        }
    }

    internal void Modify(ReactorRegistration registration, EpollEvents interest)
    {
        lock (_gate)
        {
            if (!registration.IsDisposed && registration.Interest != interest)
            {
                SetInterest(registration, interest);
            }
        }
    }

    internal void Unregister(ReactorRegistration registration)
    {
        lock (_gate)
        {
            if (registration.IsDisposed)
            {
                return;
            }

            try
            {
                SetInterest(registration, EpollEvents.None);
            }
            finally
            {
                _slots.Free(registration);
            }
        }
    }

    /// <summary>Takes bytes out of a pipe without copying them anywhere; falls back to reading where the kernel cannot (a terminal).</summary>
    internal unsafe nint Discard(FileDescriptor source, int count)
    {
        var taken = Libc.Splice(source, null, _nowhere, null, (nuint)count, Libc.SpliceMove | Libc.SpliceNonBlocking);
        if (taken >= 0 || ErrnoNames.Last != Errno.EINVAL)
        {
            return taken;
        }

        fixed (byte* start = Scratch)
        {
            return Libc.Read(source, start, ScratchSize);
        }
    }

    // Stopwatch reads CLOCK_MONOTONIC, the clock epoll measures its timeout by, in nanoseconds.
    private static long Now() => Stopwatch.GetTimestamp();

    private void Run()
    {
        while (true)
        {
            RunDueTimers();
            RunPosted();

            long timeout;
            lock (_gate)
            {
                if (_isDisposed && _posted.Count == 0)
                {
                    break;
                }

                timeout = TimeToNextWork();
                _isWaiting = timeout != 0;
            }

            var count = _set.Wait(timeout);
            lock (_gate)
            {
                _isWaiting = false;
            }

            for (var i = 0; i < count; i++)
            {
                var (events, token) = _set[i];
                if (token != EpollSet.WakeToken)
                {
                    Dispatch(token, events);
                }
            }
        }

        AbandonAll();
        _set.Dispose();
        _nowhere.Dispose();
    }

    private long TimeToNextWork()
    {
        if (_posted.Count > 0)
        {
            return 0;
        }

        return _timers.First is { } first ? Math.Max(0, first.Due - Now()) : -1;
    }

    private void Dispatch(ulong token, EpollEvents events)
    {
        if (_slots.Find(token) is not { } registration)
        {
            return;
        }

        try
        {
            registration.Handler.OnReady(events);
        }
        catch (Exception fault)
        {
            Abandon(registration, fault);
            Report(fault);
        }
    }

    private void RunDueTimers()
    {
        // A callback that schedules the next one for now gets it in the next round, after the descriptors had their turn.
        var now = Now();
        while (true)
        {
            ReactorTimer? timer;
            lock (_gate)
            {
                timer = _timers.First;
                if (timer is null || timer.Due > now)
                {
                    return;
                }

                _timers.Remove(timer);
            }

            RunGuarded(timer.Callback);
        }
    }

    private void RunPosted()
    {
        lock (_gate)
        {
            if (_posted.Count == 0)
            {
                return;
            }

            (_posted, _running) = (_running, _posted);
        }

        while (_running.TryDequeue(out var work))
        {
            RunGuarded(work);
        }
    }

    private void RunGuarded(Action work)
    {
        try
        {
            work();
        }
        catch (Exception fault)
        {
            Report(fault);
        }
    }

    internal void Report(Exception fault)
    {
        try
        {
            _faultSink(fault);
        }
        catch
        {
            // The sink is where failures go; one of its own has nowhere to go, and every container depends on this thread.
        }
    }

    private void Abandon(ReactorRegistration registration, Exception reason)
    {
        try
        {
            Unregister(registration);
            registration.Handler.OnAbandoned(reason);
        }
        catch (Exception fault)
        {
            Report(fault);
        }
    }

    private void AbandonAll()
    {
        var reason = new ObjectDisposedException(nameof(Reactor));
        lock (_gate)
        {
            _timers.Clear();
        }

        // Nothing registers any more, so the array no longer grows.
        foreach (var registration in _slots.All)
        {
            Abandon(registration, reason);
        }
    }

    private void WakeIfWaiting()
    {
        if (_isWaiting)
        {
            _isWaiting = false;
            _set.Wake();
        }
    }

    private void SetInterest(ReactorRegistration registration, EpollEvents interest)
    {
        // By number: the owner may have disposed the handle, which the registration's reference keeps open until it lets go.
        var fd = registration.Descriptor.Number;
        if (interest == EpollEvents.None)
        {
            if (registration.Interest != EpollEvents.None)
            {
                _set.Remove(fd);
            }
        }
        else if (registration.Interest == EpollEvents.None)
        {
            _set.Add(fd, interest, registration.Token);
        }
        else
        {
            _set.Modify(fd, interest, registration.Token);
        }

        registration.Interest = interest;
    }
}
