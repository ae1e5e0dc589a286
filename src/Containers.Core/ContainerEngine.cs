using System.Collections.Concurrent;
using Containers.Cgroups;
using Containers.Diagnostics;
using Containers.Interop;
using Containers.Launch;
using Containers.Processes;
using Containers.UserNamespaces;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Containers;

/// <summary>
/// Runs containers. An engine has one thread and, from its first container on, one small process that every container lives
/// below: when the engine is disposed, or its process dies in any way, the kernel kills them all.
/// </summary>
public sealed class ContainerEngine : IDisposable, IAsyncDisposable
{
    private static readonly Lazy<ContainerEngine> LazyDefault = new(static () => new ContainerEngine());

    private readonly Lock _gate = new();
    private readonly string _stateRoot;
    private readonly ConcurrentDictionary<string, Container> _named = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Container, bool> _active = new();
    private readonly ConcurrentDictionary<string, bool> _unmappable = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Type, Lazy<object>> _extensions = new();
    private readonly Dictionary<Type, object> _extensionOptions;
    private readonly Lazy<HostFacts> _facts = new(HostFacts.Read);
    private readonly Guardians _guardians = new();
    private EngineDirectory? _directory;
    private Reactor? _reactor;
    private CgroupHost? _cgroups;
    private UserNamespacePool? _userNamespaces;
    private bool _isDisposed;

    /// <summary>Creates an engine. Nothing is started or written before its first container.</summary>
    /// <param name="options">How it works; null for the defaults.</param>
    public ContainerEngine(ContainerEngineOptions? options = null)
    {
        _stateRoot = Path.GetFullPath(options?.StateDirectory ?? EngineDirectory.DefaultRoot());
        _extensionOptions = options?.Extensions ?? [];
        Logger = (options?.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger<ContainerEngine>();
    }

    /// <summary>The engine that <see cref="ContainerBuilder.RunAsync"/> uses: one for the process, never disposed.</summary>
    public static ContainerEngine Default => LazyDefault.Value;

    internal ILogger Logger { get; }

    /// <summary>Sees every program before it is launched: how tests break each step of a set-up.</summary>
    internal Action<SyscallProgram>? ProgramCompiled { get; set; }

    internal HostFacts Facts => _facts.Value;

    internal Reactor Reactor => _reactor!;

    internal CgroupHost Cgroups => _cgroups!;

    internal EngineDirectory Directory => _directory!;

    /// <summary>Containers can have other users than the one who runs the engine.</summary>
    internal bool HasManyIds { get; private set; }

    internal UserNamespacePool UserNamespaces => _userNamespaces!;

    /// <summary>Which file systems can show their files with other ids.</summary>
    internal MountMapping Mapping { get; } = new();

    /// <summary>Why no container can have a user namespace of its own here; null while none was refused.</summary>
    internal ContainerException? NoUserNamespaces
    {
        get;
        set
        {
            field = value;
            Logger.NoUserNamespaces(value!);
        }
    }

    /// <summary>Runs a job to its end and leaves nothing of it behind.</summary>
    /// <param name="job">What to run.</param>
    /// <param name="cancellationToken">Kills the whole container; the result is then <see cref="Outcome.Canceled"/>.</param>
    /// <returns>How it ended; also when it failed, ran too long or used too much.</returns>
    /// <exception cref="ContainerException">The engine could not do what was asked.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed.</exception>
    public async Task<ContainerResult> RunAsync(ContainerBuilder job, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(job);
        var container = new Container(this, job.Spec, isInteractive: false);
        await using (container.ConfigureAwait(false))
        {
            await container.LaunchAsync(cancellationToken).ConfigureAwait(false);
            return await container.WaitToEndAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Starts a container and returns once its command runs.</summary>
    /// <param name="job">What to run.</param>
    /// <param name="cancellationToken">Gives the start up, and kills what there is of the container.</param>
    /// <exception cref="ContainerException">The engine could not do what was asked; a command that is not found is such a case.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled before the command ran.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed.</exception>
    public async Task<Container> StartAsync(ContainerBuilder job, CancellationToken cancellationToken = default)
    {
        var container = Create(job);
        try
        {
            await container.StartAsync(cancellationToken).ConfigureAwait(false);
            return container;
        }
        catch
        {
            await container.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Describes a container to this engine without starting it.</summary>
    /// <param name="job">What to run.</param>
    /// <exception cref="ContainerException">The engine has a container of this name.</exception>
    public Container Create(ContainerBuilder job)
    {
        ArgumentNullException.ThrowIfNull(job);
        return new Container(this, job.Spec, isInteractive: true);
    }

    /// <summary>The program of system calls that would set the container up, one a line. Nothing is run and nothing is made.</summary>
    /// <param name="job">What to explain.</param>
    /// <exception cref="ContainerException">Something that the container is made of is not there.</exception>
    public string Explain(ContainerBuilder job)
    {
        ArgumentNullException.ThrowIfNull(job);
        const string Name = "explained";
        var (spec, lease) = job.Spec.Root.ResolveStored(this, job.Spec);
        using var cgroups = CgroupHost.Detect(Name);
        using var none = new FileDescriptor();
        var place = new LaunchPlace(
            0, [.. cgroups.PlanJoinFiles(Name, spec.Limits)], cgroups.Version == CgroupVersion.V2, Path.Combine(_stateRoot, Name), null, !Facts.IsRootless,
            spec.WithoutNamespaces ? Path.Combine(_stateRoot, Name) : null, spec.KeepsIds && Facts.IsRootless ? none : null,
            spec.Features.IsEmpty ? null : none);
        LaunchPreparation.RequirePossible(Facts, spec);
        var ids = !Facts.IsRootless && ContainerIds.AreWanted(spec) ? ContainerIds.Pretend(none) : null;
        var context = LaunchPreparation.Prepare(Facts, spec, new string('0', 64), place, spec.Root.Plan(), ids, interactive: false);
        try
        {
            var streams = spec.Terminal is null ? new JobStreams(spec.StandardInput is null ? null : none, none, none, null) : new JobStreams(null, null, null, null);
            var compiled = ContainerProgram.Compile(context, streams);
            compiled.Init?.Dispose();
            using var program = compiled.Program;
            return (spec.WithoutNamespaces ? "isolation: without namespaces, weaker than a container\n" : string.Empty) + spec.Security + program.Describe();
        }
        finally
        {
            context.CloseSources();
            lease?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>
    /// Finds out what this process can do with containers on this host, by trying each thing; what is missing is named with its
    /// remedy. Nothing that was tried stays.
    /// </summary>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="ObjectDisposedException">The engine was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled.</exception>
    public Task<HostReport> ProbeAsync(CancellationToken cancellationToken = default) => new HostProbe(this).RunAsync(cancellationToken);

    /// <summary>Kills every container, and returns when none is left.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            _guardians.Dispose();

            // Each takes its own groups and descriptors away, on threads of the pool.
            Task.WhenAll(_active.Keys.Select(static container => container.EndedAsync())).GetAwaiter().GetResult();
            foreach (var extension in _extensions.Values)
            {
                (extension.IsValueCreated ? extension.Value as IDisposable : null)?.Dispose();
            }

            _reactor?.Dispose();
            _cgroups?.Dispose();
            _userNamespaces?.Dispose();
            _directory?.Dispose();
        }
    }

    /// <summary>As <see cref="Dispose"/>, without blocking the caller.</summary>
    public ValueTask DisposeAsync() => new(Task.Run(Dispose));

    /// <summary>Starts what every container needs, once, and who launches those of this kind; a guardian that has died is replaced.</summary>
    internal Guardian EnsureGuardian(GuardianKind kind)
    {
        if (_guardians.Running(kind) is { } running && !_isDisposed)
        {
            return running;
        }

        lock (_gate)
        {
            _ = EnsureDirectory();
            _cgroups ??= CgroupHost.Detect(Directory.Name);
            _ = EnsureReactor();
            _userNamespaces ??= Facts.IsRootless ? null : new UserNamespacePool(LauncherImage.Create(Directory.Path));
            if (_guardians.Running(kind) is not { } guardian)
            {
                guardian = kind == GuardianKind.Plain
                    ? Guardian.Start(_reactor!, kind, rootless: false, Directory.Path, null)
                    : StartGuardian(kind, Directory.Path);
                _guardians.Add(kind, guardian);
            }

            return guardian;
        }
    }

    /// <inheritdoc cref="Guardians.Hold"/>
    internal void HoldOpen(FileDescriptor? descriptor) => _guardians.Hold(descriptor);

    /// <summary>Makes the engine known to other processes, once: what has its mark is not swept by them as long as it lives.</summary>
    internal EngineDirectory EnsureDirectory()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _directory ??= EngineDirectory.Create(_stateRoot);
        }
    }

    /// <summary>For what waits before anything has run.</summary>
    internal Reactor EnsureReactor()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _reactor ??= new Reactor(Report);
        }
    }

    /// <summary>Once a path: files there cannot be mapped, so containers with it are in no user namespace of their own.</summary>
    internal void ReportUnmappable(string path)
    {
        if (_unmappable.TryAdd(path, true))
        {
            Logger.Unmappable(path);
        }
    }

    /// <summary>What a further package keeps with this engine: made when first asked for, disposed with the engine.</summary>
    internal T Extension<T>(Func<ContainerEngine, T> make)
        where T : class =>
        (T)_extensions.GetOrAdd(typeof(T), static (_, state) => new Lazy<object>(() => state.make(state.engine)), (engine: this, make)).Value;

    /// <summary>The options of a further package that this engine was made with.</summary>
    internal T? OptionsOf<T>()
        where T : class => (T?)_extensionOptions.GetValueOrDefault(typeof(T));

    internal void Track(Container container) => _active[container] = true;

    /// <summary>The containers that run.</summary>
    internal IEnumerable<Container> Active => _active.Keys;

    /// <summary>With an ordinary user's subordinate ids where there are any, and can be mapped.</summary>
    private Guardian StartGuardian(GuardianKind kind, string directory)
    {
        if (Facts.IsRootless && SubordinateIds.Find() is { } ids)
        {
            try
            {
                var guardian = Guardian.Start(_reactor!, kind, rootless: true, directory, ids);
                HasManyIds = true;
                return guardian;
            }
            catch (ContainerException reason)
            {
                Logger.NoSubordinateIds(reason);
            }
        }

        HasManyIds = !Facts.IsRootless;
        return Guardian.Start(_reactor!, kind, Facts.IsRootless, directory, null);
    }

    internal void Untrack(Container container) => _active.TryRemove(container, out _);

    internal void Register(string name, Container container)
    {
        if (!_named.TryAdd(name, container))
        {
            throw new ContainerException($"name the container {name}", null, Errno.EEXIST,
                "This engine has a container of that name: dispose it first, or use another name.");
        }
    }

    internal void Unregister(string name) => _named.TryRemove(name, out _);

    private void Report(Exception fault) => Logger.ReactorFault(fault);
}
