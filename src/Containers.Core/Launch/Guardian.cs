using System.Collections.Concurrent;
using Containers.Interop;
using Containers.Processes;
using Containers.UserNamespaces;

namespace Containers.Launch;

/// <summary>
/// The host's side of an engine's guardian: PID 1 of the PID namespace that all containers of the engine live below. It
/// forks what it is asked to and reports every end; when this process dies, however it dies, the guardian's socket closes, the
/// guardian kills everything below it, and ends. Where it is killed itself the kernel does that, but for those of containers which share
/// the host's processes.
/// </summary>
internal sealed class Guardian : IReactorHandler, IDisposable
{
    private readonly LauncherSocket _socket;
    private readonly FileDescriptor _pidfd;
    private readonly ReactorRegistration _registration;
    private readonly ConcurrentDictionary<uint, Launch> _launches = new();
    private readonly Dictionary<int, Launch> _byPid = [];
    private readonly Dictionary<int, LauncherMessage> _earlyExits = [];
    private readonly List<FileDescriptor> _received = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _keptGate = new();
    private readonly SubordinateIds? _ids;
    private FileDescriptor? _keptIds;
    private uint _lastId;

    private Guardian(Reactor reactor, LauncherSocket socket, FileDescriptor pidfd, SubordinateIds? ids)
    {
        _socket = socket;
        _pidfd = pidfd;
        _ids = ids;
        _registration = reactor.Register(socket.Descriptor, EpollEvents.In, this);
    }

    /// <summary>The further ids of its user namespace; null where it has this process's own alone, or none.</summary>
    public SubordinateIds? Ids => _ids;

    /// <summary>Whether it can no longer launch anything.</summary>
    public bool HasEnded => _ended.Task.IsCompleted;

    /// <summary>Starts the guardian and waits until it serves.</summary>
    /// <param name="reactor">Waits for its messages.</param>
    /// <param name="kind">What it gives to those below.</param>
    /// <param name="rootless">It gets a user namespace.</param>
    /// <param name="directory">For the launcher, where memfds cannot be executed.</param>
    /// <exception cref="ContainerException">It cannot be started here; the message says what is missing.</exception>
    /// <param name="ids">Further ids for its user namespace; null for this process's own alone.</param>
    public static Guardian Start(Reactor reactor, GuardianKind kind, bool rootless, string directory, SubordinateIds? ids)
    {
        using var program = GuardianProgram.Compile(kind, rootless, Libc.EffectiveUserId(), Libc.EffectiveGroupId(), ids is not null);
        using var memfd = program.ToMemfd();
        using var image = LauncherImage.Create(directory);
        var socket = LauncherSocket.CreatePair(out var launcherEnd);
        var descriptors = new List<FileDescriptor>();
        try
        {
            using (launcherEnd)
            {
                LauncherProcess.Reap(LauncherProcess.Start(image, memfd, launcherEnd));
            }

            // One message comes from the first process, with the guardian's pidfd, and one from the guardian when it is ready.
            for (var expected = 2; expected > 0; expected--)
            {
                if (!socket.TryReceive(wait: true, out var message, descriptors, out _) || message.Kind != LauncherMessageKind.Ready)
                {
                    throw LaunchFailure.Explain(program, ProgramStatus.Load(memfd), [])
                        ?? new ContainerException("start the guardian", null, Errno.None, "It ended at once; the kernel log may say why.");
                }

                if (expected == 2 && ids is not null)
                {
                    ids.Map(PidFd.ProcessId(descriptors[0]) ?? 0);
                    socket.Send(default, []);
                }
            }

            return new Guardian(reactor, socket, descriptors[0], ids);
        }
        catch
        {
            descriptors.ForEach(static descriptor => descriptor.Dispose());
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The number of the next launch, which its program is compiled with.</summary>
    public uint NextId() => Interlocked.Increment(ref _lastId);

    /// <summary>Has the guardian fork a child that runs the program.</summary>
    /// <param name="id">From <see cref="NextId"/>.</param>
    /// <param name="cloneFlags">The namespaces the child is born into.</param>
    /// <param name="descriptors">What it gets: the program first.</param>
    /// <param name="cgroup">Index of the cgroup directory among them, for CLONE_INTO_CGROUP; null for none.</param>
    /// <param name="hasWorker">The first process only clones the one that counts.</param>
    /// <param name="observer">Is told what becomes of it.</param>
    public void Start(uint id, ulong cloneFlags, ReadOnlySpan<FileDescriptor> descriptors, int? cgroup, bool hasWorker, ILaunchObserver observer)
    {
        _launches[id] = new Launch(observer, hasWorker);
        try
        {
            _socket.Send(new LaunchRequestMessage
            {
                Id = id,
                CgroupIndex = (uint)cgroup.GetValueOrDefault(),
                CloneFlags = cloneFlags | (cgroup is null ? 0 : Linux.CloneIntoCgroup),
            }, descriptors);
        }
        catch
        {
            _launches.TryRemove(id, out _);
            throw;
        }
    }

    /// <summary>Sends a signal for this process, which may not signal those of its containers that have another of its ids.</summary>
    public void Signal(FileDescriptor pidfd, int signal) =>
        _socket.Send(new LaunchRequestMessage { CloneFlags = LauncherFormat.SignalRequest, CgroupIndex = (uint)signal }, [pidfd]);

    /// <summary>Keeps a descriptor open until all below it have ended, in place of the last one; null: none.</summary>
    public void Hold(FileDescriptor? descriptor)
    {
        try
        {
            _socket.Send(new LaunchRequestMessage { CloneFlags = LauncherFormat.HoldRequest }, descriptor is null ? [] : [descriptor]);
        }
        catch (ContainerException ended) when (ended.ErrorNumber is (int)Errno.EPIPE or (int)Errno.ECONNRESET)
        {
            // It has ended, and with it all that this is held for.
        }
    }

    /// <summary>A user namespace below its own in which the engine's user has its own ids; made once.</summary>
    /// <exception cref="ContainerException">It cannot be made.</exception>
    public FileDescriptor KeepIds()
    {
        lock (_keptGate)
        {
            return _keptIds ??= KeptIds.MakeAsync(this, _ids).GetAwaiter().GetResult();
        }
    }

    /// <summary>Ends the guardian and with it every process below; returns when none is left.</summary>
    public void Dispose()
    {
        _registration.Dispose();
        _socket.Dispose();
        PidFd.WaitForEnd(_pidfd);
        _pidfd.Dispose();
        _keptIds?.Dispose();
        FailAll();
    }

    void IReactorHandler.OnReady(EpollEvents events)
    {
        const int Batch = 32;
        for (var i = 0; i < Batch; i++)
        {
            _received.Clear();
            if (_socket.TryReceive(wait: false, out var message, _received, out var ended))
            {
                Dispatch(message);
            }
            else if (ended)
            {
                _registration.Dispose();
                FailAll();
                return;
            }
            else
            {
                return;
            }
        }
    }

    void IReactorHandler.OnAbandoned(Exception reason) => FailAll();

    private void Dispatch(in LauncherMessage message)
    {
        switch (message.Kind)
        {
            case LauncherMessageKind.Spawned when _launches.TryGetValue(message.Id, out var launch):
                Spawned(message, launch);
                break;
            case LauncherMessageKind.Cloned when _launches.TryGetValue(message.Id, out var launch):
                Cloned(message, launch);
                break;
            case LauncherMessageKind.Exited:
                Exited(message);
                break;
            case LauncherMessageKind.Handover when _launches.TryGetValue(message.Id, out var launch):
                Tell(launch, _received.ToArray(), static (observer, descriptors) => observer.OnHandover(descriptors));
                break;
            case LauncherMessageKind.Listener when _received.Count == 1 && _launches.TryGetValue(message.Id, out var launch):
                Tell(launch, _received[0], static (observer, listener) => observer.OnListener(listener));
                break;
            case LauncherMessageKind.Network when _received.Count == 1 && _launches.TryGetValue(message.Id, out var launch):
                Tell(launch, _received[0], static (observer, network) => observer.OnNetwork(network));
                break;
            default:
                _received.ForEach(static descriptor => descriptor.Dispose());
                break;
        }
    }

    private void Spawned(in LauncherMessage message, Launch launch)
    {
        if (message.Pid < 0)
        {
            _launches.TryRemove(message.Id, out _);
            launch.Observer.OnFailed(LaunchFailure.OfClone((Errno)(-message.Pid)));
            return;
        }

        if (launch.HasWorker)
        {
            launch.Id = message.Id;
            launch.Worker = message.Pid;
            _byPid[message.Pid] = launch;
            _received.ForEach(static descriptor => descriptor.Dispose());
        }
        else
        {
            Cloned(message, launch);
        }
    }

    /// <summary>The process that counts exists. A worker tells of it itself: two senders, and no order between them.</summary>
    private void Cloned(in LauncherMessage message, Launch launch)
    {
        launch.Id = message.Id;
        launch.IsRunning = true;
        Tell(launch, _received[0], static (observer, pidfd) => observer.OnSpawned(pidfd));
        if (_earlyExits.Remove(message.Pid, out var exit))
        {
            Exited(launch, exit);
        }
        else
        {
            _byPid[message.Pid] = launch;
        }
    }

    private void Exited(in LauncherMessage message)
    {
        if (_byPid.Remove(message.Pid, out var launch))
        {
            Exited(launch, message);
        }
        else
        {
            _earlyExits[message.Pid] = message;
        }
    }

    private void Exited(Launch launch, in LauncherMessage message)
    {
        // A worker that says so has cloned, and the clone's own messages count; one that did not leaves nothing to wait for.
        if (message.Pid == launch.Worker && (launch.IsRunning || message.Status == LauncherFormat.ExitCloned << 8))
        {
            return;
        }

        _launches.TryRemove(launch.Id, out _);
        Tell(launch, message, static (observer, exit) => observer.OnExited(exit));
    }

    /// <summary>A fault in what watches one container ends that one's watch; every other depends on this handler.</summary>
    private static void Tell<T>(Launch launch, T what, Action<ILaunchObserver, T> tell)
    {
        try
        {
            tell(launch.Observer, what);
        }
        catch (Exception fault)
        {
            launch.Observer.OnFailed(new ContainerException("The container could not be watched to its end.", fault));
        }
    }

    private void FailAll()
    {
        _ended.TrySetResult();
        foreach (var id in _launches.Keys)
        {
            if (_launches.TryRemove(id, out var launch))
            {
                launch.Observer.OnFailed(new ContainerException("watch the container", null, Errno.None,
                    "The engine's guardian process has ended, and the kernel has killed every container below it."));
            }
        }
    }

    private sealed class Launch(ILaunchObserver observer, bool hasWorker)
    {
        public ILaunchObserver Observer => observer;

        public bool HasWorker => hasWorker;

        public uint Id { get; set; }

        public int Worker { get; set; }

        public bool IsRunning { get; set; }
    }
}
