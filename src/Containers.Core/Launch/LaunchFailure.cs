using System.Collections.Immutable;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>Turns what a program left in its header into the exception a person reads.</summary>
internal static class LaunchFailure
{
    /// <summary>Null where no step failed.</summary>
    public static ContainerException? Explain(SyscallProgram program, ProgramStatus status, ImmutableArray<ExecAttempt> attempts)
    {
        if (status.FailedStep is not { } step || step >= program.StepCount)
        {
            return null;
        }

        var note = program.Note(step);
        return note is { Phase: SetupPhase.Execute, Call: null }
            ? OfExecution(note.Subject ?? string.Empty, status, attempts)
            : new ContainerException(note.What, note.Subject, status.FailedErrno, Remedy(note, status.FailedErrno));
    }

    public static ContainerException OfClone(Errno errno) => new("clone3 into new namespaces", null, errno, errno switch
    {
        Errno.ENOSPC => "A limit of namespaces is reached: see the sysctls user.max_*_namespaces.",
        Errno.EAGAIN => "A limit of processes is reached: ulimit -u, the sysctl kernel.pid_max, or the cgroup's pids.max.",
        Errno.EPERM => "Creating namespaces is not allowed here: run as root, or see ContainerEngine.ProbeAsync().",
        Errno.EBUSY => "The container's cgroup cannot take processes: it has controllers enabled for groups below it.",
        _ => null,
    });

    private static ContainerException OfExecution(string command, ProgramStatus status, ImmutableArray<ExecAttempt> attempts)
    {
        // The most telling attempt: a file that is there but cannot be run beats all the places where it is not.
        ExecAttempt? best = null;
        foreach (var attempt in attempts)
        {
            if (status.Read(attempt.Exists) == 0)
            {
                best = attempt;
                break;
            }
        }

        if (best is not { } found)
        {
            var places = attempts.Length == 1 ? string.Empty : $" in {string.Join(", ", attempts.Select(static a => a.Path[..a.Path.LastIndexOf('/')]))}";
            return new ContainerException("execute", command, Errno.ENOENT,
                $"The command was not found{places}. Paths are those of the container; check the command, or PATH (WithEnvironment).");
        }

        var errno = (Errno)(-status.Read(found.Result));
        return new ContainerException("execute", found.Path, errno, errno switch
        {
            Errno.ENOENT => "The file is there, but what it needs to run is not: its #! interpreter, or the dynamic loader of the C library it was built for.",
            Errno.EACCES => "The file is not executable for the container's user: set its mode (chmod +x), or the user (WithUser); a directory or a noexec mount gives this too.",
            Errno.ENOEXEC => "The file is neither a program for this machine's architecture nor a script with a #! line.",
            Errno.ELIBBAD => "The file's interpreter is not a program for this machine.",
            Errno.E2BIG => "Arguments and environment are larger than the kernel takes: about 2 MiB together, 128 KiB each.",
            Errno.ENOMEM => "The memory limit is too small for the program: raise WithMemory.",
            _ => null,
        });
    }

    private static string? Remedy(in StepNote note, Errno errno) => (note.Phase, errno) switch
    {
        (SetupPhase.WorkingDirectory, Errno.EACCES) => "The container's user may not enter it: change its mode, or the user (WithUser).",
        (SetupPhase.Protect, Errno.ENOENT or Errno.ENOTDIR) => "The working directory must exist in the container's root: create it, or name another (WithWorkingDirectory).",
        (SetupPhase.Groups or SetupPhase.User, Errno.EINVAL or Errno.EPERM) =>
            "The container does not have this id. An ordinary user's engine has one, 0; more come with the package uidmap and ranges in /etc/subuid and /etc/subgid (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER).",
        (SetupPhase.Limits or SetupPhase.OpenSources, Errno.EPERM) when note.Call == SystemCall.ResourceLimit.Name => "A hard limit cannot be raised without CAP_SYS_RESOURCE: ask for no more than ulimit -H shows.",
        _ when note.Subject == LabelSteps.AppArmorFile => errno == Errno.ENOENT
            ? "AppArmor has no profile of that name: load it (apparmor_parser -r FILE); aa-status lists those that are."
            : "AppArmor confines the engine itself, by a profile that does not allow changing to this one.",
        _ when note.Subject == LabelSteps.SELinuxFile => "SELinux has no such context in its policy, or does not allow the engine's to change to it (ausearch -m avc tells).",
        (SetupPhase.JoinCgroup, _) => "The container's cgroup cannot be joined; see ContainerEngine.ProbeAsync().",
        (SetupPhase.Isolate, Errno.ENOMEM) => "The container has just ended, or the host has no memory left.",
        (SetupPhase.MapIds, Errno.EPERM or Errno.EACCES) or (SetupPhase.Isolate, Errno.EPERM or Errno.ENOSPC or Errno.EACCES) =>
            "User namespaces are restricted here: see the sysctls user.max_user_namespaces, kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns.",
        (SetupPhase.Isolate, Errno.ENOSYS) => "The filter of an outer sandbox hides the call: ContainerEngine.ProbeAsync() says what is in the way, and what can be had all the same.",
        (SetupPhase.EnterRoot, Errno.EINVAL) => "The host's root is an initramfs, which cannot be pivoted from: switch to a real root first, or allow the fallback with WithMoveMountRoot().",
        (SetupPhase.BuildRoot, Errno.ENOTDIR) or (SetupPhase.BuildRoot, Errno.EINVAL) when errno == Errno.ENOTDIR || note.Call == SystemCall.MoveMount.Name =>
            "A file is where a directory is needed, or the other way round: mount files on files and directories on directories.",
        (SetupPhase.BuildRoot, Errno.ENOENT) => "Something the root is made of does not exist: check the paths given.",
        (SetupPhase.BuildRoot, Errno.ENODEV) => "The kernel lacks this filesystem.",
        (SetupPhase.BuildRoot, Errno.EROFS) => "The mount target does not exist and cannot be created on a read-only filesystem: create it in the root first.",
        (_, Errno.EPERM) => "The kernel refused for lack of privilege; see ContainerEngine.ProbeAsync().",
        (_, Errno.ENOSYS) => "The kernel is too old, or an outer sandbox hides the call: Linux 5.14 is the least.",
        _ => null,
    };
}
