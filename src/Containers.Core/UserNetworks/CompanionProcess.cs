using System.Collections.Immutable;
using Containers.Interop;
using Containers.Launch;

namespace Containers.UserNetworks;

/// <summary>
/// A program of the host that serves a container for as long as that runs: a child of the guardian, beside the container's processes and
/// unseen by them, so that it ends with the engine in whatever way that ends. It has the guardian's user namespace, and no more of this
/// process than three descriptors.
/// </summary>
internal sealed class CompanionProcess : ILaunchObserver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Guardian _guardian;
    private readonly SyscallProgram _program;
    private readonly ImmutableArray<ExecAttempt> _attempts;
    private readonly FileDescriptor _memfd;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FileDescriptor? _pidfd;
    private bool _isUnwanted;

    private CompanionProcess(Guardian guardian, SyscallProgram program, ImmutableArray<ExecAttempt> attempts)
    {
        _guardian = guardian;
        _program = program;
        _attempts = attempts;
        _memfd = program.ToMemfd();
    }

    /// <summary>Completes when it has ended, however; fails where it never ran.</summary>
    public Task Ended => _ended.Task;

    /// <param name="guardian">Whose child it is.</param>
    /// <param name="command">An absolute path and the arguments.</param>
    /// <param name="input">Its standard input, of whatever kind; borrowed, as the other two.</param>
    /// <param name="output">Its standard output.</param>
    /// <param name="error">Its standard error.</param>
    public static CompanionProcess Start(Guardian guardian, ImmutableArray<string> command, FileDescriptor input, FileDescriptor output, FileDescriptor error)
    {
        var (program, attempts) = Compile(command);
        CompanionProcess companion;
        using (program)
        {
            companion = new CompanionProcess(guardian, program, attempts);
        }

        try
        {
            guardian.Start(guardian.NextId(), 0, [companion._memfd, input, output, error], null, hasWorker: false, companion);
            return companion;
        }
        catch
        {
            companion._memfd.Dispose();
            throw;
        }
    }

    /// <summary>Kills it; completes when it is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isUnwanted = true;
            Kill();
        }

        await _ended.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
        {
            _pidfd?.Dispose();
            _memfd.Dispose();
        }
    }

    void ILaunchObserver.OnSpawned(FileDescriptor pidfd)
    {
        lock (_gate)
        {
            _pidfd = pidfd;
            if (_isUnwanted)
            {
                Kill();
            }
        }
    }

    void ILaunchObserver.OnHandover(IReadOnlyList<FileDescriptor> descriptors)
    {
        foreach (var descriptor in descriptors)
        {
            descriptor.Dispose();
        }
    }

    void ILaunchObserver.OnExited(in LauncherMessage exit)
    {
        if (LaunchFailure.Explain(_program, ProgramStatus.Load(_memfd), _attempts) is { } failure)
        {
            _ended.TrySetException(failure);
        }
        else
        {
            _ended.TrySetResult();
        }
    }

    // The guardian is gone, and this with it; or it never came to be.
    void ILaunchObserver.OnFailed(ContainerException reason) => _ended.TrySetException(reason);

    private void Kill()
    {
        if (_pidfd is { } pidfd && !_ended.Task.IsCompleted && PidFd.Signal(pidfd, (int)Signal.Kill) == Errno.EPERM)
        {
            _guardian.Signal(pidfd, (int)Signal.Kill);
        }
    }

    private static (SyscallProgram Program, ImmutableArray<ExecAttempt> Attempts) Compile(ImmutableArray<string> command)
    {
        var program = new ProgramBuilder();
        program.Enter(SetupPhase.Isolate);
        program.Call(SystemCall.NewSession, "start a session", null);
        program.Enter(SetupPhase.StandardStreams);
        for (var stream = 0; stream <= 2; stream++)
        {
            program.Call(SystemCall.DuplicateTo, "use as a standard stream", command[0], Errand.Passed + stream, stream, 0);
        }

        program.Enter(SetupPhase.NoNewPrivileges);
        IdentitySteps.SetNoNewPrivileges(program);
        program.Enter(SetupPhase.CloseDescriptors);
        ExecuteSteps.CloseDescriptors(program, execPipe: null);
        program.Enter(SetupPhase.Execute);
        var attempts = ExecuteSteps.Execute(program, [command[0]], command, ["PATH=/usr/bin:/bin", "LC_ALL=C"]);
        return (program.Build(), attempts);
    }
}
