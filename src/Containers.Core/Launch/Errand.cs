using Containers.Interop;

namespace Containers.Launch;

/// <summary>One small program that a guardian's child runs to its end, inside the guardian's namespaces.</summary>
internal sealed class Errand : ILaunchObserver, IDisposable
{
    private readonly SyscallProgram _program;
    private readonly FileDescriptor _memfd;
    private readonly TaskCompletionSource<int> _spawned = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<IReadOnlyList<FileDescriptor>> _handed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Errand(SyscallProgram program)
    {
        _program = program;
        _memfd = program.ToMemfd();
    }

    /// <summary>The process's id as the host sees it.</summary>
    public Task<int> Spawned => _spawned.Task;

    /// <summary>What it hands over; fails where it ends without.</summary>
    public Task<IReadOnlyList<FileDescriptor>> Handed => _handed.Task;

    /// <summary>Completes when it has ended; fails where a step did.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Has it run.</summary>
    /// <param name="guardian">Whose child it is.</param>
    /// <param name="id">From <see cref="Guardian.NextId"/>.</param>
    /// <param name="program">What it does.</param>
    /// <param name="cloneFlags">The namespaces it is born into.</param>
    /// <param name="passed">A descriptor that it gets, as <see cref="Passed"/>.</param>
    public static Errand Start(Guardian guardian, uint id, SyscallProgram program, ulong cloneFlags = 0, FileDescriptor? passed = null)
    {
        var errand = new Errand(program);
        try
        {
            guardian.Start(id, cloneFlags, passed is null ? [errand._memfd] : [errand._memfd, passed], null, hasWorker: false, errand);
            return errand;
        }
        catch
        {
            errand.Dispose();
            throw;
        }
    }

    /// <summary>The number of the descriptor that was passed.</summary>
    public const int Passed = LauncherFormat.FirstPassedDescriptor + 1;

    public void Dispose() => _memfd.Dispose();

    void ILaunchObserver.OnSpawned(FileDescriptor pidfd)
    {
        using (pidfd)
        {
            _spawned.TrySetResult(PidFd.ProcessId(pidfd) ?? 0);
        }
    }

    void ILaunchObserver.OnHandover(IReadOnlyList<FileDescriptor> descriptors)
    {
        if (!_handed.TrySetResult(descriptors))
        {
            foreach (var descriptor in descriptors)
            {
                descriptor.Dispose();
            }
        }
    }

    void ILaunchObserver.OnExited(in LauncherMessage exit)
    {
        if (LaunchFailure.Explain(_program, ProgramStatus.Load(_memfd), []) is { } failure)
        {
            Fail(failure);
            return;
        }

        _ended.TrySetResult();
        _handed.TrySetException(new ContainerException("Its process ended early; the kernel log may say why."));
    }

    void ILaunchObserver.OnFailed(ContainerException reason) => Fail(reason);

    private void Fail(ContainerException reason)
    {
        _spawned.TrySetException(reason);
        _handed.TrySetException(reason);
        _ended.TrySetException(reason);
    }
}
