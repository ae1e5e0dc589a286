using System.Diagnostics;
using System.Globalization;
using Containers.Cgroups;
using Containers.Cgroups.Devices;
using Containers.Diagnostics;
using Containers.Features;
using Containers.Health;
using Containers.Interop;
using Containers.Launch;
using Containers.Processes;
using Containers.RootFilesystems;
using Containers.UserNamespaces;

namespace Containers;

// From the request to start to the last thing that is taken away.
public sealed partial class Container
{
    private readonly Lock _pauseGate = new();
    private LaunchContext? _context;
    private Guardian? _guardian;
    private string? _directory;
    private ContainerCgroup? _cgroup;
    private StandardStreams? _streams;
    private JobProcess? _process;
    private JobWatch? _watch;
    private OomWatch? _oomWatch;
    private Task<ContainerResult>? _completion;
    private Activity? _activity;
    private volatile bool _isPaused;
    private IAsyncDisposable? _rootLease;
    private FeatureSessions? _features;
    private int _isStarted;
    private int _isDisposed;

    /// <summary>The user namespace it is in, where that is not the engine's.</summary>
    internal ContainerIds? Ids { get; private set; }

    /// <summary>The host's ids of the files it wrote, where they are not those inside; also after its end.</summary>
    internal IdRange? WrittenIds { get; private set; }

    /// <summary>Has the root found, or fetched, and features prepared; then asks for the process. Once. What fails here leaves nothing behind.</summary>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    internal async ValueTask LaunchAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _isStarted, 1) != 0)
        {
            throw new InvalidOperationException("A container is started once.");
        }

        if (_spec.Root.NeedsResolving)
        {
            (_spec, _rootLease) = await _spec.Root.ResolveAsync(_engine, _spec, cancellationToken).ConfigureAwait(false);
        }

        if (!_spec.Features.IsEmpty)
        {
            (_spec, _features) = await FeatureSessions.PrepareAsync(this, _spec, cancellationToken).ConfigureAwait(false);
        }

        try
        {
            Launch();
        }
        catch when (_features is not null)
        {
            await _features.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private void Launch()
    {
        LaunchPreparation.RequirePossible(_engine.Facts, _spec);
        LaunchPreparation.RequireLabels(_engine.Facts, _spec.Security);
        _guardian = _engine.EnsureGuardian(_spec.Guardian);
        _engine.Logger.Starting(Id, _spec.Arguments.FirstOrDefault());
        _watch = new JobWatch(_engine.Reactor, Kill);
        _activity = EngineTelemetry.Start(Id, _spec.Name, _spec.Arguments.FirstOrDefault());
        try
        {
            _cgroup = _engine.Cgroups.Create(Id, _spec.Limits, [.. _spec.Devices.Select(static device => DeviceRule.ForFile(device.HostPath, device.Access))]);
            RequireCountable();
            RequireEndable();
            _directory = _spec.WithoutNamespaces ? _engine.Directory.CreatePrivate(Id) : null;
            var place = new LaunchPlace(
                _guardian.NextId(), [.. _cgroup.JoinFiles], _engine.Cgroups.Version == CgroupVersion.V2 && _cgroup.Exists, _engine.Directory.Scratch,
                _cgroup.CloneInto, _engine.HasManyIds, _directory,
                _spec.KeepsIds && _engine.Facts.IsRootless ? _guardian.KeepIds() : null,
                _features?.Gate);
            var root = _spec.Root.Plan();
            Ids = ContainerIds.Choose(_engine, _spec, root);
            WrittenIds = Ids?.Lease.Range;
            _context = LaunchPreparation.Prepare(_engine.Facts, _spec, Id, place, root, Ids, _isInteractive && !_spec.WithoutNamespaces);
            Ids?.Lease.IsSpent |= _context.MayUseKeys;
            if (_spec.Security.Name == SecurityProfile.Privileged.Name)
            {
                _engine.Logger.Privileged(Id);
            }

            _streams = StandardStreams.Create(_engine.Reactor, _spec, _isInteractive, () => Enforce(Outcome.OutputLimitExceeded));
            _oomWatch = OomWatch.Start(_engine.Reactor, _cgroup, _spec);
            var compiled = ContainerProgram.Compile(_context, _streams.JobEnds);
            _engine.ProgramCompiled?.Invoke(compiled.Program);
            _process = JobProcess.Start(_guardian, _context, compiled, _streams, _engine.Reactor, _features);
            _cgroup.CloseCloneInto();
        }
        catch (Exception reason)
        {
            EngineTelemetry.Fail(_activity, reason);
            TakeAway();
            _process = null;
            throw;
        }
        finally
        {
            _context?.CloseSources();
        }

        _watch.ProcessIsKnown();
        _engine.Track(this);
        _watch.LimitTime(_spec.Timeout);
        if (_spec.CpuTimeLimit is { } limit)
        {
            _watch.LimitCpuTime(limit, ReadCpuTime);
        }

        _health = _isInteractive && _spec.HealthCheck is { Command.Count: > 0 } check ? new HealthMonitor(this, check) : null;
        _completion = WatchAsync(_process);
    }

    /// <summary>Waits as <see cref="WaitAsync"/>; the token kills.</summary>
    internal async Task<ContainerResult> WaitToEndAsync(CancellationToken cancellationToken)
    {
        var registration = cancellationToken.UnsafeRegister(static state => ((Container)state!).Enforce(Outcome.Canceled), this);
        await using (registration.ConfigureAwait(false))
        {
            return await _completion!.ConfigureAwait(false);
        }
    }

    /// <summary>Completes, without failing, when nothing of the container runs any more.</summary>
    internal async Task EndedAsync(CancellationToken cancellationToken = default)
    {
        if (_completion is { } completion)
        {
            await ((Task)completion).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private void Enforce(Outcome reason) => _watch?.Enforce(reason);

    /// <summary>
    /// Ends every process. Killing PID 1 of the container's own PID namespace does that in the kernel, at once and with no way out; where
    /// the namespace is another container's, the group is killed.
    /// </summary>
    private void Kill()
    {
        _process?.Signal((int)Signal.Kill);
        if (_spec.Namespaces.Pid.Mode != NamespaceMode.Private)
        {
            _cgroup?.KillAll(TimeSpan.Zero);
        }

        // A process that a v1 freezer holds dies only when it goes on. Not here: this may be the reactor thread.
        if (_isPaused)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static container => container.ThawAfterKill(), this, preferLocal: false);
        }
    }

    private void Thaw()
    {
        lock (_pauseGate)
        {
            if (_isPaused)
            {
                _isPaused = false;
                _cgroup!.Thaw();
            }
        }
    }

    // On a thread of the pool, where nobody could catch anything.
    private void ThawAfterKill()
    {
        try
        {
            Thaw();
        }
        catch (ContainerException fault)
        {
            _engine.Logger.CleanUpFailed(Id, fault);
        }
    }

    private async Task<ContainerResult> WatchAsync(JobProcess process)
    {
        try
        {
            var exit = await ExitAsync(process).ConfigureAwait(false);
            _watch!.End(exit);
            var finishedAt = DateTimeOffset.UtcNow;
            if (_spec.Namespaces.Pid.Mode != NamespaceMode.Private)
            {
                _cgroup!.KillAll(GroupKill.Patience);
            }

            await _streams!.CompleteAfterExitAsync().ConfigureAwait(false);
            var result = Conclude(exit, finishedAt);
            _engine.Logger.Ended(Id, result.Outcome, result.ExitCode);
            EngineTelemetry.End(_activity, result);
            return result;
        }
        catch (Exception reason)
        {
            if (_spec.Namespaces.Pid.Mode != NamespaceMode.Private)
            {
                _cgroup!.KillAll(GroupKill.Patience);
            }

            EngineTelemetry.Fail(_activity, reason);
            throw;
        }
        finally
        {
            _health?.End();
            TakeAway();
            if (FeaturesAtEnd() is { } features)
            {
                await features.DisposeAsync().ConfigureAwait(false);
            }

            _engine.Untrack(this);
        }
    }

    /// <summary>Where a feature failed, that is what the container ended of.</summary>
    private async ValueTask<JobExit> ExitAsync(JobProcess process)
    {
        if (_features is not null)
        {
            await ((Task)process.Exited).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _features.ThrowIfFailedAsync().ConfigureAwait(false);
        }

        return await process.Exited.ConfigureAwait(false);
    }

    private ContainerResult Conclude(in JobExit exit, DateTimeOffset finishedAt)
    {
        var counted = _cgroup!.ReadUsage(UsageDetail.Final);
        var usage = Usage(counted, _watch!.WallTime(exit)).WithFallback(exit.Usage);
        if (_spec.CpuTimeLimit is { } limit && usage.TotalCpu > limit)
        {
            _watch.Note(Outcome.CpuTimeExceeded);
        }

        var outOfMemory = counted.OomKills > 0 && _oomWatch is not { KilledLately: false };
        var outcome = Verdict.Decide(exit, _watch.Enforced, outOfMemory, _process!.DeniedSystemCall is not null, IsDiskFull());
        if (!exit.HasRun && outcome is Outcome.Exited or Outcome.Signaled)
        {
            throw new ContainerException(
                "set up the container", null, Errno.None,
                string.Create(CultureInfo.InvariantCulture, $"Its first process ended before the command ran (wait status 0x{exit.Status:x}); the kernel log may say why."));
        }

        return new ContainerResult
        {
            Outcome = outcome,
            ExitCode = exit.ExitCode,
            Signal = (Signal?)exit.Signal,
            DeniedSystemCall = _process.DeniedSystemCall,
            StandardOutput = _streams!.Output?.Output ?? CapturedOutput.Empty,
            StandardError = _streams.Error?.Output ?? CapturedOutput.Empty,
            Usage = usage,
            StartedAt = _watch.StartedAt,
            FinishedAt = finishedAt,
        };
    }

    private ResourceUsage Usage(in CgroupUsage counted, TimeSpan wallTime)
    {
        var usage = ResourceUsage.Of(counted, wallTime, (_streams!.Output?.TotalBytes ?? 0) + (_streams.Error?.TotalBytes ?? 0));
        return _features?.Count(usage) ?? usage;
    }

    /// <summary>Whether no block or no inode is left in the layer whose limit was asked for.</summary>
    private bool IsDiskFull() => _spec.Disk is not null && _process!.Handed?.Layer is { } layer &&
        Libc.TryGetFree(layer, out var blocks, out var inodes) && (blocks == 0 || inodes == 0);

    private TimeSpan? ReadCpuTime()
    {
        lock (_pauseGate)
        {
            try
            {
                return _cgroup?.ReadUsage(UsageDetail.Final).TotalCpu;
            }
            catch (ContainerException fault)
            {
                // Looked at again when the limit could next be reached, and once more at the end.
                _engine.Logger.CpuTimeUnknown(Id, fault);
                return null;
            }
        }
    }

    /// <summary>Among the host's processes only a control group says which are the container's.</summary>
    private void RequireEndable()
    {
        if (_spec.Namespaces.SharesHostProcesses && !_cgroup!.Exists)
        {
            var (reason, remedy) = _engine.Cgroups.WhyNot(CgroupController.Pids);
            throw new ContainerException($"share the host's PID namespace: what belongs to the container could not be told apart at its end, {reason}", null, Errno.None, remedy);
        }
    }

    /// <summary>Limits that are enforced by counting need something that counts; the default ones are left out with a warning.</summary>
    private void RequireCountable()
    {
        if (_spec.CpuTimeLimit is not null && _cgroup!.ReadUsage(UsageDetail.Final).TotalCpu is null)
        {
            var (reason, remedy) = _engine.Cgroups.WhyNot(CgroupController.Cpu);
            throw new ContainerException($"limit the CPU time: {reason}", null, Errno.None, remedy);
        }

        if (!_cgroup!.Exists && _spec.Limits.MaxProcesses is not null)
        {
            _engine.Logger.NoDefaultProcessLimit(Id);
        }
    }

    /// <summary>Everything but the captured output and what can still be read live.</summary>
    private void TakeAway()
    {
        _activity?.Dispose();
        _watch?.Dispose();
        _oomWatch?.Dispose();
        if (_process is null)
        {
            _streams?.Dispose();
        }
        else
        {
            if (_process.Handed is { } handed && handed.Namespaces.TryGetValue(NamespaceKind.Mount, out var mounts))
            {
                // Soon nothing leads back to the user namespace any more, which the next container may use.
                Ids?.Lease.Wake(mounts);
                handed.KeepLayer = _spec.Root.KeepsWritableLayer;
            }

            _streams?.Input?.Dispose();
            _streams?.Terminal?.Dispose();
            _process.Dispose();
        }

        lock (_pauseGate)
        {
            _isPaused = false;
            try
            {
                if (_directory is not null)
                {
                    DirectoryTree.Remove(_directory);
                }

                _cgroup?.Remove();
            }
            catch (ContainerException fault)
            {
                // The result is true all the same; the next engine's sweep takes the group away.
                _engine.Logger.CleanUpFailed(Id, fault);
            }

            _cgroup?.Dispose();
        }

        // Last: until here a process of it may have been there, which no other container's should meet.
        Ids?.Lease.Release();
        Ids = null;
    }
}
