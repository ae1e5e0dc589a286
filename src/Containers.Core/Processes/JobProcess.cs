using System.Diagnostics;
using Containers.Features;
using Containers.Interop;
using Containers.Launch;
using Containers.Seccomp;

namespace Containers.Processes;

/// <summary>A process that the guardian forks for us, from the request to its end: the main one of a container, or an exec's.</summary>
internal sealed class JobProcess : ILaunchObserver, IReactorHandler, IDisposable
{
    private const int SignalKill = (int)Containers.Signal.Kill;

    private readonly Lock _gate = new();
    private readonly Reactor _reactor;
    private readonly Guardian _guardian;
    private readonly LaunchContext _context;

    /// <summary>What ends it with all below: without a PID namespace its init has to do that.</summary>
    private readonly int _end;
    private readonly ContainerProgram _compiled;
    private readonly StandardStreams _streams;
    private readonly FileDescriptor _memfd;
    private readonly FeatureSessions? _features;
    private readonly TaskCompletionSource<JobExit> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ReactorRegistration? _watch;
    private ReactorRegistration? _endWatch;
    private int _endsTracers;
    private SystemCallListener? _listener;
    private FileDescriptor? _pidfd;
    private HandedOver? _handed;
    private bool _hasExecuted;
    private bool _isStarted;
    private bool _killWhenSpawned;

    /// <summary>The first system call that the filter killed a process for, where it is known.</summary>
    public string? DeniedSystemCall => _listener?.Denied;

    private JobProcess(Reactor reactor, Guardian guardian, LaunchContext context, ContainerProgram compiled, StandardStreams streams, FeatureSessions? features)
    {
        _reactor = reactor;
        _features = features;
        _guardian = guardian;
        _context = context;
        _end = context.Spec.WithoutNamespaces ? LauncherFormat.EndSignal : SignalKill;
        _compiled = compiled;
        _streams = streams;
        _memfd = compiled.Program.ToMemfd();
    }

    /// <summary>Completes when the process has ended; fails where it never came to run what was asked.</summary>
    public Task<JobExit> Exited => _exited.Task;

    /// <summary>Completes when the command runs, or when the process has ended before. Only where the streams are live.</summary>
    public Task Started => _started.Task;

    /// <summary>What it handed over; complete once it has started.</summary>
    public HandedOver? Handed => Volatile.Read(ref _handed);

    public int? ProcessId
    {
        get
        {
            lock (_gate)
            {
                return _pidfd is { IsClosed: false } pidfd ? PidFd.ProcessId(pidfd) : null;
            }
        }
    }

    /// <summary>Has it forked. The streams' job ends and the descriptors of the context that were opened for it are closed here.</summary>
    /// <param name="guardian">Forks it.</param>
    /// <param name="context">What was compiled.</param>
    /// <param name="compiled">Its program.</param>
    /// <param name="streams">Its streams.</param>
    /// <param name="reactor">Watches for its execve.</param>
    /// <param name="features">Get its network namespace, where there are any.</param>
    public static JobProcess Start(
        Guardian guardian, LaunchContext context, ContainerProgram compiled, StandardStreams streams, Reactor reactor, FeatureSessions? features = null)
    {
        var process = new JobProcess(reactor, guardian, context, compiled, streams, features);
        try
        {
            // A worker clones the process into its group itself.
            var cgroup = compiled.HasWorker ? null : context.CgroupDirectory;
            FileDescriptor[] descriptors = cgroup is null
                ? [process._memfd, .. context.Passed]
                : [process._memfd, .. context.Passed, cgroup];
            if (streams.Started is { } started)
            {
                process._watch = reactor.Register(started, EpollEvents.In, process);
            }

            guardian.Start(context.LaunchId, compiled.CloneFlags, descriptors, cgroup is null ? null : descriptors.Length - 1, compiled.HasWorker, process);
            return process;
        }
        catch
        {
            process.Dispose();
            throw;
        }
        finally
        {
            streams.ReleaseJobEnds();
            compiled.Init?.Image.Dispose();
            compiled.Program.Dispose();
        }
    }

    /// <summary>Sends a signal. False: the process has ended. SIGKILL before it exists kills it when it does.</summary>
    public bool Signal(int signal)
    {
        lock (_gate)
        {
            if (_pidfd is null)
            {
                _killWhenSpawned |= signal == SignalKill;
                return !_exited.Task.IsCompleted;
            }

            if (_pidfd.IsClosed || _exited.Task.IsCompleted || !Send(_pidfd, signal == SignalKill ? _end : signal))
            {
                return false;
            }
        }

        if (signal == SignalKill && _end == SignalKill)
        {
            EndTracers(TimeSpan.FromMilliseconds(100));
        }

        return true;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _pidfd?.Dispose();
        }

        _watch?.Dispose();
        _endWatch?.Dispose();
        _listener?.Dispose();
        _memfd.Dispose();
        _compiled.Init?.Program.Dispose();
        _handed?.Dispose();
    }

    void ILaunchObserver.OnSpawned(FileDescriptor pidfd)
    {
        lock (_gate)
        {
            _pidfd = pidfd;
            if (_killWhenSpawned)
            {
                Send(pidfd, _end);
            }
        }

        // In a PID namespace that outlives it, it could be held after its end.
        if (_context.Spec.Namespaces.Pid.Mode != NamespaceMode.Private || _context.Joined.Any(static joined => joined.Key == NamespaceKind.Pid))
        {
            _endWatch = _reactor.Register(pidfd, EpollEvents.In, new EndWatch(this));
        }

        ReportStart();
    }

    void ILaunchObserver.OnHandover(IReadOnlyList<FileDescriptor> descriptors)
    {
        var handed = HandoverSteps.Sort(_context, descriptors);
        if (handed.Terminal is { } master)
        {
            _streams.AttachTerminal(master);
        }

        Volatile.Write(ref _handed, handed);
        ReportStart();
    }

    void ILaunchObserver.OnListener(FileDescriptor listener) =>
        _listener = new SystemCallListener(_reactor, listener, _context.Spec.Security, _context.Capabilities,
            process => Send(process, SignalKill));

    void ILaunchObserver.OnNetwork(FileDescriptor networkNamespace) => _features!.Attach(networkNamespace, () => Signal(SignalKill));

    void ILaunchObserver.OnExited(in LauncherMessage exit)
    {
        _watch?.Dispose();
        var hasRun = _isStarted;
        ContainerException? failure = null;
        if (!hasRun)
        {
            var status = ProgramStatus.Load(_memfd);

            // A worker that was killed before it could tell of what it cloned has ended here, whatever the clone has reached since.
            hasRun = _pidfd is not null && status.Reached(LaunchPhase.Executing);
            failure = LaunchFailure.Explain(_compiled.Program, status, _compiled.Attempts);
        }

        // Whoever awaits this disposes everything at once: it comes last.
        var waitStatus = _compiled.Init is { } init ? ProgramStatus.Load(init.Program).WaitStatus : null;
        if (failure is not null)
        {
            _exited.TrySetException(failure);
        }
        else
        {
            _exited.TrySetResult(new JobExit(waitStatus ?? exit.Status, hasRun, exit, Stopwatch.GetTimestamp()));
        }

        _started.TrySetResult();
    }

    void ILaunchObserver.OnFailed(ContainerException reason)
    {
        // What cannot be watched must not go on.
        Signal(SignalKill);
        _watch?.Dispose();
        _exited.TrySetException(reason);
        _started.TrySetResult();
    }

    // The end of the pipe that the execve closes.
    void IReactorHandler.OnReady(EpollEvents events)
    {
        _watch?.Dispose();
        _hasExecuted = true;
        ReportStart();
    }

    /// <summary>Kills what holds this process from ending, until nothing does; a debugger has a moment to let go by itself.</summary>
    private void EndTracers(TimeSpan patience)
    {
        if (Interlocked.Exchange(ref _endsTracers, 1) == 0)
        {
            _ = Task.Run(async () =>
            {
                try
                {
                    do
                    {
                        await Task.WhenAny(_exited.Task, Task.Delay(patience)).ConfigureAwait(false);
                    }
                    while (!_exited.Task.IsCompleted && KillTracer());
                }
                catch (Exception fault)
                {
                    // Nobody awaits this.
                    _reactor.Report(fault);
                }
            });
        }
    }

    /// <summary>False: the process is gone.</summary>
    private bool KillTracer()
    {
        if (ProcessId is not { } process)
        {
            return false;
        }

        if (Tracer.Of(process) is { } tracer && PidFd.Open(tracer) is { } handle)
        {
            using (handle)
            {
                // Opened before the second look, so that the id was the tracer's when it was opened.
                if (Tracer.Of(process) == tracer)
                {
                    Send(handle, SignalKill);
                }
            }
        }

        return true;
    }

    /// <summary>The process has ended; whoever traces it keeps its parent from knowing.</summary>
    private sealed class EndWatch(JobProcess process) : IReactorHandler
    {
        public void OnReady(EpollEvents events)
        {
            process._endWatch?.Dispose();
            process.EndTracers(TimeSpan.FromSeconds(1));
        }
    }

    private bool Send(FileDescriptor pidfd, int signal)
    {
        switch (PidFd.Signal(pidfd, signal))
        {
            case Errno.None:
                return true;
            case Errno.ESRCH:
                return false;
            case Errno.EPERM:
                // A subordinate id of an ordinary user: the guardian has the right in its user namespace.
                _guardian.Signal(pidfd, signal);
                return true;
            case var errno:
                throw new ContainerException($"send signal {signal}", null, errno);
        }
    }

    /// <summary>The pipe, the guardian's message and the program's come on different ways, in any order. On the reactor thread.</summary>
    private void ReportStart()
    {
        // A failed program closes the pipe too; its end is reported next, and that is what counts then.
        if (_hasExecuted && _pidfd is not null && (_handed is not null || HandoverSteps.Count(_context) == 0) &&
            ProgramStatus.Load(_memfd) is { FailedStep: null } status && status.Reached(LaunchPhase.Executing))
        {
            _isStarted = true;

            // What is left to tell comes from the kernel.
            _memfd.Dispose();
            _streams.Started!.Dispose();
            _started.TrySetResult();
        }
    }
}
