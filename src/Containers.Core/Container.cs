using System.Collections.Immutable;
using System.IO.Pipelines;
using Containers.Cgroups;
using Containers.Interop;
using Containers.Specification;
using Containers.UserNamespaces;

namespace Containers;

/// <summary>
/// A container: created, running or ended. All members may be used from any thread. Disposing it kills what still runs and leaves
/// nothing behind.
/// </summary>
public sealed partial class Container : IAsyncDisposable
{
    private readonly ContainerEngine _engine;
    private readonly bool _isInteractive;
    private ContainerSpec _spec;

    internal Container(ContainerEngine engine, ContainerSpec spec, bool isInteractive)
    {
        _engine = engine;
        _spec = spec;
        _isInteractive = isInteractive;
        if (spec.Name is { } name)
        {
            engine.Register(name, this);
        }
    }

    /// <summary>64 hexadecimal digits, unique to this container.</summary>
    public string Id { get; } = System.Security.Cryptography.RandomNumberGenerator.GetHexString(64, lowercase: true);

    /// <summary>The name given with <see cref="ContainerBuilder.WithName"/>, or null.</summary>
    public string? Name => _spec.Name;

    /// <summary>The labels given with <see cref="ContainerBuilder.WithLabel"/>; once it was started, also those of its image.</summary>
    public IReadOnlyDictionary<string, string> Labels => _spec.Labels.ToImmutableDictionary();

    /// <summary>The main process's id as the host sees it; null before it starts and after it has ended.</summary>
    public int? ProcessId => _process?.ProcessId;

    /// <summary>Whether its main process runs, or is paused.</summary>
    public bool IsRunning => _process is { Exited.IsCompleted: false };

    /// <summary>
    /// What the main process writes to its standard output, as it comes, from the first byte on; with a terminal, everything.
    /// Binary-safe. While the consumer is behind, the job waits; one that has seen enough completes the reader.
    /// </summary>
    /// <exception cref="InvalidOperationException">The container was not started.</exception>
    public PipeReader StandardOutput => Streams.Output!.Reader;

    /// <summary>What the main process writes to its standard error, as <see cref="StandardOutput"/>.</summary>
    /// <exception cref="InvalidOperationException">The container was not started, or it has a terminal.</exception>
    public PipeReader StandardError => (Streams.Error ?? throw new InvalidOperationException(
        "With a terminal there is one stream: read StandardOutput.")).Reader;

    /// <summary>What is written here the main process reads; completing the writer is the end of its input.</summary>
    /// <exception cref="InvalidOperationException">The container was not started, or its input was given with WithStandardInput.</exception>
    public PipeWriter StandardInput => _spec.StandardInput is null
        ? Streams.Input!.Writer
        : throw new InvalidOperationException("The input was given with WithStandardInput.");

    /// <summary>Starts a created container, and returns once its command runs.</summary>
    /// <param name="cancellationToken">Gives the start up, and kills what there is of the container.</param>
    /// <exception cref="ContainerException">The engine could not do what was asked.</exception>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled before the command ran.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await LaunchAsync(cancellationToken).ConfigureAwait(false);
        var registration = cancellationToken.UnsafeRegister(static state => ((Container)state!).Enforce(Outcome.Canceled), this);
        await using (registration.ConfigureAwait(false))
        {
            await _process!.Started.ConfigureAwait(false);
            if (_process.Exited.IsFaulted || _features is { HasFailed: true })
            {
                // Once everything is taken away, the reason is thrown from here.
                await _completion!.ConfigureAwait(false);
            }
        }

        Ids?.Lease.Rest();
        cancellationToken.ThrowIfCancellationRequested();
        _health?.Start();
    }

    /// <summary>Waits until the container has ended and everything of it but this object is gone.</summary>
    /// <param name="cancellationToken">Ends the waiting, not the container.</param>
    /// <exception cref="InvalidOperationException">The container was not started.</exception>
    /// <exception cref="ContainerException">The container could not be watched to its end.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled; the container goes on.</exception>
    public Task<ContainerResult> WaitAsync(CancellationToken cancellationToken = default) =>
        (_completion ?? throw NotStarted()).WaitAsync(cancellationToken);

    /// <summary>
    /// Sends a signal to the main process; nothing happens where it has ended. SIGKILL ends the whole container, as
    /// <see cref="Outcome.Canceled"/>; as with every PID 1, others have an effect only where the process has a handler, unless the
    /// container has an init (<see cref="ContainerBuilder.WithInit"/>).
    /// </summary>
    /// <param name="signal">The signal.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>After SIGKILL, completes when the container has ended; else at once.</returns>
    /// <exception cref="InvalidOperationException">The container was not started.</exception>
    public Task KillAsync(Signal signal = Signal.Kill, CancellationToken cancellationToken = default)
    {
        var process = _process ?? throw NotStarted();
        if (signal == Signal.Kill)
        {
            Enforce(Outcome.Canceled);
            return EndedAsync(cancellationToken);
        }

        process.Signal((int)signal);
        return Task.CompletedTask;
    }

    /// <summary>
    /// Asks the main process to end, with the container's stop signal, and kills the container where it has not done so in time.
    /// The outcome is <see cref="Outcome.Canceled"/>.
    /// </summary>
    /// <param name="grace">How long it has; null: 10 seconds, as with Docker.</param>
    /// <param name="cancellationToken">Ends the waiting and kills at once.</param>
    /// <returns>How the container ended.</returns>
    /// <exception cref="InvalidOperationException">The container was not started.</exception>
    public async Task<ContainerResult> StopAsync(TimeSpan? grace = null, CancellationToken cancellationToken = default)
    {
        var limit = grace ?? TimeSpan.FromSeconds(10);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero, nameof(grace));
        var process = _process ?? throw NotStarted();
        _watch!.Note(Outcome.Canceled);
        process.Signal((int)(_spec.StopSignal ?? Signal.Terminate));
        try
        {
            // A paused process would take the signal only when it goes on.
            Thaw();
            return await _completion!.WaitAsync(limit, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            Enforce(Outcome.Canceled);
            return await _completion!.ConfigureAwait(false);
        }
    }

    /// <summary>Stops every process of the container where it is (the cgroup freezer), until <see cref="ResumeAsync"/>.</summary>
    /// <param name="cancellationToken">Not used once the freezing has begun.</param>
    /// <exception cref="ContainerException">There is no freezer here, or a process does not stop.</exception>
    /// <exception cref="InvalidOperationException">The container does not run.</exception>
    public Task PauseAsync(CancellationToken cancellationToken = default) => Task.Run(
        () =>
        {
            lock (_pauseGate)
            {
                RequireRunning();
                _cgroup!.Freeze();
                _isPaused = true;
            }

            if (_watch!.Enforced is not null)
            {
                // Killed meanwhile: a frozen process does not die on cgroup v1.
                Thaw();
            }
        },
        cancellationToken);

    /// <summary>Lets a paused container go on; nothing happens where it is not paused.</summary>
    /// <param name="cancellationToken">Not used once it has begun.</param>
    /// <exception cref="InvalidOperationException">The container does not run.</exception>
    public Task ResumeAsync(CancellationToken cancellationToken = default) => Task.Run(
        () =>
        {
            RequireRunning();
            Thaw();
        },
        cancellationToken);

    /// <summary>What the container has used so far, and uses now.</summary>
    /// <param name="cancellationToken">Not used once the reading has begun.</param>
    /// <exception cref="InvalidOperationException">The container does not run.</exception>
    public Task<ResourceUsage> GetUsageAsync(CancellationToken cancellationToken = default) => Task.Run(
        () =>
        {
            lock (_pauseGate)
            {
                RequireRunning();
                return Usage(_cgroup!.ReadUsage(UsageDetail.Current), System.Diagnostics.Stopwatch.GetElapsedTime(_watch!.StartTimestamp));
            }
        },
        cancellationToken);

    /// <summary>Tells the terminal its new size; the job gets SIGWINCH.</summary>
    /// <param name="columns">Characters in a line, 1 to 65535.</param>
    /// <param name="rows">Lines, 1 to 65535.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of range.</exception>
    /// <exception cref="InvalidOperationException">The container does not run, or has no terminal.</exception>
    public unsafe void ResizeTerminal(int columns, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(columns, ushort.MaxValue);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, ushort.MaxValue);
        RequireRunning();
        var terminal = Streams.Terminal ?? throw new InvalidOperationException("The container has no terminal: ask for one with WithTerminal.");
        var size = new Libc.WindowSize { Columns = (ushort)columns, Rows = (ushort)rows };
        if (Libc.TerminalControl(terminal, Libc.TerminalSetWindowSize, &size) != 0)
        {
            throw new ContainerException("set the size of the terminal", null, ErrnoNames.Last);
        }
    }

    /// <summary>Kills what still runs of the container and takes everything of it away.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_completion is { } completion)
        {
            Enforce(Outcome.Canceled);
            await ((Task)completion).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_health is not null)
            {
                await _health.DisposeAsync().ConfigureAwait(false);
            }

            _process?.Dispose();
            _streams?.Dispose();
            WritableLayer?.Dispose();
        }

        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            if (_rootLease is not null)
            {
                await _rootLease.DisposeAsync().ConfigureAwait(false);
            }

            if (_spec.Name is { } name)
            {
                _engine.Unregister(name);
            }
        }
    }

    /// <summary>The descriptor of a namespace of this running container, for another to join.</summary>
    internal FileDescriptor NamespaceOf(NamespaceKind kind)
    {
        RequireRunning();
        return _process!.Handed is { } handed && handed.Namespaces.TryGetValue(kind, out var descriptor)
            ? descriptor
            : throw new InvalidOperationException("Only a container started with StartAsync can be joined.");
    }

    /// <summary>The user namespace of this running container, held for another; null where that is the engine's.</summary>
    internal ContainerIds? ShareIds()
    {
        if (Ids is not { } ids)
        {
            return null;
        }

        ids.Lease.Wake(NamespaceOf(NamespaceKind.Mount));
        return ids with { Lease = ids.Lease.Share() };
    }

    /// <summary>What it was started as.</summary>
    internal ContainerSpec Spec => _spec;

    internal ContainerEngine Engine => _engine;

    internal bool IsPaused => _isPaused;

    /// <summary>The directory with the upper layers of what it wrote, where its root keeps that; also after its end, until this is disposed.</summary>
    internal FileDescriptor? WritableLayer => _process?.Handed?.Layer;

    /// <summary>The pts instance of this running container.</summary>
    internal FileDescriptor Terminals => _process!.Handed!.Terminals!;

    /// <summary>In the host's PID namespace.</summary>
    internal bool SharesHostProcesses => _spec.Namespaces.SharesHostProcesses;

    private Processes.StandardStreams Streams => _streams ?? throw NotStarted();

    private void RequireRunning()
    {
        if (!IsRunning)
        {
            throw _process is null ? NotStarted() : new InvalidOperationException("The container has ended.");
        }
    }

    private static InvalidOperationException NotStarted() => new("The container was not started.");
}
