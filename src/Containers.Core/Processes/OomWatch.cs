using System.Diagnostics;
using Containers.Cgroups;
using Containers.Interop;
using Containers.Specification;

namespace Containers.Processes;

/// <summary>
/// Notes when the container last ran out of memory. Needed only where a job could send itself SIGKILL: below an init, or in a PID namespace
/// with others. PID 1 cannot (pid_namespaces(7)), so there a SIGKILL and a counted kill are proof enough.
/// </summary>
internal sealed class OomWatch : IReactorHandler, IDisposable
{
    /// <summary>From the kernel's choice of a victim to the report of its end.</summary>
    private static readonly TimeSpan Lately = TimeSpan.FromMilliseconds(250);

    /// <summary>cgroup v1 tells of the want of memory, and counts the kill a moment later.</summary>
    private static readonly TimeSpan CountedWithin = TimeSpan.FromMilliseconds(100);

    private readonly Reactor _reactor;
    private readonly FileDescriptor _notification;
    private readonly ContainerCgroup _cgroup;
    private readonly ReactorRegistration _registration;
    private ReactorTimer? _recount;
    private long _last;
    private long _kills;

    private OomWatch(Reactor reactor, FileDescriptor notification, ContainerCgroup cgroup)
    {
        _reactor = reactor;
        _notification = notification;
        _cgroup = cgroup;
        _registration = reactor.Register(notification, EpollEvents.In, this);
    }

    /// <summary>Whether a process was killed for lack of memory a moment ago.</summary>
    public bool KilledLately => _cgroup.ReadOomKills() > Volatile.Read(ref _kills) ||
        (Volatile.Read(ref _last) is var last and not 0 && Stopwatch.GetElapsedTime(last) < Lately);

    /// <summary>Null where no watch is needed, or nothing counts memory.</summary>
    public static OomWatch? Start(Reactor reactor, ContainerCgroup cgroup, ContainerSpec spec) =>
        (spec.HasInit || spec.Namespaces.Pid.Mode != NamespaceMode.Private) && cgroup.OpenOomNotification() is { } notification
            ? new OomWatch(reactor, notification, cgroup)
            : null;

    public void Dispose()
    {
        _registration.Dispose();
        _recount?.Dispose();
        _notification.Dispose();
    }

    unsafe void IReactorHandler.OnReady(EpollEvents events)
    {
        // Takes the count of an eventfd; an inotify descriptor gives its records.
        const int BufferSize = 4096;
        var buffer = stackalloc byte[BufferSize];
        _ = Libc.Read(_notification, buffer, BufferSize);
        Count();
        _recount?.Cancel();
        _recount = _reactor.Schedule(CountedWithin, Count);
    }

    private void Count()
    {
        if (!_registration.IsDisposed && _cgroup.ReadOomKills() is { } kills && kills > _kills)
        {
            Volatile.Write(ref _kills, kills);
            Volatile.Write(ref _last, Stopwatch.GetTimestamp());
        }
    }
}
