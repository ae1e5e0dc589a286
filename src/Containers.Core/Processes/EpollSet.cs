using Containers.Interop;

namespace Containers.Processes;

/// <summary>An epoll descriptor, the buffer its events arrive in, and the eventfd that ends a wait early.</summary>
internal sealed unsafe class EpollSet : IDisposable
{
    /// <summary>The data of the eventfd's event; no registration has it, because their numbers start at 1.</summary>
    public const ulong WakeToken = 0;

    private const int BatchSize = 128;
    private const long NanosecondsPerSecond = 1_000_000_000;
    private const long NanosecondsPerMillisecond = 1_000_000;

    private readonly FileDescriptor _epoll;
    private readonly FileDescriptor _wake;
    private readonly byte[] _batch = GC.AllocateUninitializedArray<byte>(BatchSize * EpollEvent.MaximumSize, pinned: true);
    private bool _preciseWait = true;

    public EpollSet()
    {
        _epoll = Libc.EpollCreate(Libc.EpollCloseOnExec);
        if (_epoll.IsInvalid)
        {
            throw new ContainerException("epoll_create1", path: null, ErrnoNames.Last);
        }

        _wake = Libc.EventCreate(0, Libc.EventCloseOnExec | Libc.EventNonBlocking);
        if (_wake.IsInvalid)
        {
            var errno = ErrnoNames.Last;
            _epoll.Dispose();
            throw new ContainerException("eventfd", path: null, errno);
        }

        // By edge, so that each write is one event and nothing has to be read back.
        Control(Libc.EpollAdd, _wake.Number, EpollEvents.In | EpollEvents.EdgeTriggered, WakeToken);
    }

    public void Add(int fd, EpollEvents events, ulong data) => Control(Libc.EpollAdd, fd, events, data);

    public void Modify(int fd, EpollEvents events, ulong data) => Control(Libc.EpollModify, fd, events, data);

    public void Remove(int fd) => Control(Libc.EpollRemove, fd, EpollEvents.None, 0);

    public void Wake()
    {
        // Can fail only with EAGAIN, after 2^64 wake-ups.
        ulong one = 1;
        _ = Libc.Write(_wake, (byte*)&one, sizeof(ulong));
    }

    /// <summary>Waits for events, at most <paramref name="nanoseconds"/> (negative: without end), and says how many came.</summary>
    public int Wait(long nanoseconds)
    {
        fixed (byte* batch = _batch)
        {
            var count = _preciseWait ? WaitPrecisely(batch, nanoseconds) : WaitRounded(batch, nanoseconds);
            if (count >= 0)
            {
                return count;
            }

            var errno = ErrnoNames.Last;
            switch (errno)
            {
                case Errno.EINTR:
                    return 0;
                // A seccomp filter around the host may not know the call; EPERM is what old ones answer.
                case Errno.ENOSYS or Errno.EPERM when _preciseWait:
                    _preciseWait = false;
                    return 0;
                default:
                    throw new ContainerException("epoll_wait", path: null, errno);
            }
        }
    }

    public (EpollEvents Events, ulong Data) this[int index]
    {
        get
        {
            fixed (byte* item = &_batch[index * EpollEvent.Size])
            {
                return (EpollEvent.Events(item), EpollEvent.Data(item));
            }
        }
    }

    public void Dispose()
    {
        _wake.Dispose();
        _epoll.Dispose();
    }

    private int WaitPrecisely(byte* batch, long nanoseconds)
    {
        var (seconds, rest) = Math.DivRem(Math.Max(nanoseconds, 0), NanosecondsPerSecond);
        var timeout = new Libc.TimeSpecification { Seconds = seconds, Nanoseconds = rest };
        return (int)Libc.EpollPreciseWait(
            Libc.EpollPreciseWaitNumber, _epoll.Number, batch, BatchSize, nanoseconds < 0 ? null : &timeout, 0, 0);
    }

    private int WaitRounded(byte* batch, long nanoseconds)
    {
        // Up, or the last part of a millisecond would be spent spinning.
        var milliseconds = nanoseconds < 0
            ? -1
            : (int)Math.Min(int.MaxValue, (nanoseconds / NanosecondsPerMillisecond) + (nanoseconds % NanosecondsPerMillisecond == 0 ? 0 : 1));
        return Libc.EpollWait(_epoll, batch, BatchSize, milliseconds);
    }

    private void Control(int operation, int fd, EpollEvents events, ulong data)
    {
        var item = stackalloc byte[EpollEvent.MaximumSize];
        EpollEvent.Write(item, events, data);
        if (Libc.EpollControl(_epoll, operation, fd, item) != 0)
        {
            throw new ContainerException("epoll_ctl", $"descriptor {fd}", ErrnoNames.Last);
        }
    }
}
