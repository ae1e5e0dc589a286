using System.Runtime.ExceptionServices;
using Containers.Diagnostics;
using Containers.Interop;
using Containers.Specification;

namespace Containers.Features;

/// <summary>
/// What the features of one container have for it. Its first process gives its network namespace away as soon as it exists, goes on building
/// its root, and waits at the gate before it looks at its network: so both happen at the same time, and the job never sees half of it.
/// </summary>
internal sealed class FeatureSessions : IAsyncDisposable
{
    private readonly Container _container;
    private volatile IFeatureSession[] _sessions = [];
    private Task _attached = Task.CompletedTask;
    private volatile ExceptionDispatchInfo? _failure;

    private FeatureSessions(Container container, FileDescriptor? gate) => (_container, Gate) = (container, gate);

    /// <summary>
    /// An eventfd, which the process reads. Whoever holds it open after this process does not open it: it has no end of file. Null: there
    /// was no feature when it was launched.
    /// </summary>
    public FileDescriptor? Gate { get; }

    /// <summary>A feature could not do its part: the container must not run.</summary>
    public bool HasFailed => _failure is not null;

    /// <summary>Asks each feature of the spec, in their order. Null: none has anything to do while the container lives.</summary>
    /// <exception cref="ContainerException">One of them cannot have what it needs; what the others had reserved is given back.</exception>
    public static async ValueTask<(ContainerSpec Spec, FeatureSessions? Sessions)> PrepareAsync(Container container, ContainerSpec spec, CancellationToken cancellationToken)
    {
        var sessions = new FeatureSessions(container, MakeGate());
        try
        {
            foreach (var feature in spec.Features)
            {
                (spec, var session) = await feature.PrepareAsync(container, spec, cancellationToken).ConfigureAwait(false);
                if (session is not null)
                {
                    sessions.Add(session);
                }
            }
        }
        catch
        {
            await sessions.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        if (sessions._sessions.Length == 0)
        {
            await sessions.DisposeAsync().ConfigureAwait(false);
            return (spec, null);
        }

        return (spec, sessions);
    }

    /// <summary>For a container that was started without any.</summary>
    public static FeatureSessions OfRunning(Container container) => new(container, null);

    /// <summary>Adds one. Not from two threads at once.</summary>
    public void Add(IFeatureSession session) => _sessions = [.. _sessions, session];

    /// <summary>The process has given its network namespace away, and will wait. Owns the descriptor.</summary>
    /// <param name="networkNamespace">The container's.</param>
    /// <param name="kill">Ends the process, where a feature fails.</param>
    public void Attach(FileDescriptor networkNamespace, Action kill) => _attached = Task.Run(() =>
    {
        using (networkNamespace)
        {
            try
            {
                foreach (var session in _sessions)
                {
                    session.Attach(networkNamespace);
                }

                Open();
            }
#pragma warning disable CA1031 // Thrown again by whoever waits for the container.
            catch (Exception reason)
#pragma warning restore CA1031
            {
                _failure = ExceptionDispatchInfo.Capture(reason);
                kill();
            }
        }
    });

    /// <summary>Throws what a feature failed with.</summary>
    public async ValueTask ThrowIfFailedAsync()
    {
        await _attached.ConfigureAwait(false);
        _failure?.Throw();
    }

    public ResourceUsage Count(ResourceUsage usage)
    {
        foreach (var session in _sessions)
        {
            usage = session.Count(usage);
        }

        return usage;
    }

    /// <summary>The last first. What cannot be given back is told, and keeps nothing else from being given back.</summary>
    public async ValueTask DisposeAsync()
    {
        await _attached.ConfigureAwait(false);
        var sessions = _sessions;
        for (var i = sessions.Length - 1; i >= 0; i--)
        {
            try
            {
                await sessions[i].DisposeAsync().ConfigureAwait(false);
            }
            catch (ContainerException fault)
            {
                _container.Engine.Logger.CleanUpFailed(_container.Id, fault);
            }
        }

        Gate?.Dispose();
    }

    private static FileDescriptor MakeGate()
    {
        var gate = Libc.EventCreate(0, Libc.EventCloseOnExec);
        return gate.IsInvalid ? throw new ContainerException("make the gate that a container's process waits at", null, ErrnoNames.Last) : gate;
    }

    private unsafe void Open()
    {
        var one = 1UL;
        if (Libc.Write(Gate!, (byte*)&one, sizeof(ulong)) != sizeof(ulong))
        {
            throw new ContainerException("open the gate that a container's process waits at", null, ErrnoNames.Last);
        }
    }
}
