using System.Runtime.InteropServices;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>Starts the launcher with posix_spawn: cheap whatever the size of the host's heap, and no managed code after a fork.</summary>
internal static unsafe class LauncherProcess
{
    /// <summary>Low numbers are targets of dup2; sources are moved above them first, so that none overwrites another.</summary>
    private const int SafeDescriptor = 16;

    private const int FcntlDuplicateCloseOnExec = 1030;

    /// <summary>Starts it with the program as descriptor 3, the socket as 4 and /dev/null as 0 to 2; returns its pid.</summary>
    public static int Start(FileDescriptor launcher, FileDescriptor program, FileDescriptor socket)
    {
        using var movedProgram = MoveUp(program);
        using var movedSocket = MoveUp(socket);
        var actions = stackalloc byte[Libc.SpawnStructureSize];
        var attributes = stackalloc byte[Libc.SpawnStructureSize];
        var signals = stackalloc byte[Libc.SignalSetSize];
        Check(Libc.SpawnFileActionsInit(actions));
        Check(Libc.SpawnAttributesInit(attributes));
        try
        {
            for (var fd = 0; fd <= 2; fd++)
            {
                Check(Libc.SpawnFileActionsAddOpen(actions, fd, "/dev/null", Libc.OpenReadWrite, 0));
            }

            Check(Libc.SpawnFileActionsAddDup2(actions, movedProgram.Number, LauncherFormat.ProgramDescriptor));
            Check(Libc.SpawnFileActionsAddDup2(actions, movedSocket.Number, LauncherFormat.SocketDescriptor));

            // The runtime ignores SIGPIPE and may have others ignored; the launcher starts from the default of every one,
            // and with all of them blocked. Not sigfillset: it leaves out 32 and 33, which posix_spawn then has ignored.
            new Span<byte>(signals, Libc.SignalSetSize).Fill(byte.MaxValue);
            Check(Libc.SpawnAttributesSetSignalDefault(attributes, signals));
            Check(Libc.SpawnAttributesSetSignalMask(attributes, signals));
            Check(Libc.SpawnAttributesSetFlags(attributes, Libc.SpawnSetSignalDefault | Libc.SpawnSetSignalMask));

            var name = "containers-launcher\0"u8;
            fixed (byte* nameStart = name)
            {
                // No argument and no variable of the host reaches the launcher.
                var arguments = stackalloc byte*[] { nameStart, null };
                var environment = stackalloc byte*[] { null };
                int pid;
                var error = Libc.PosixSpawn(&pid, $"/proc/self/fd/{launcher.Number}", actions, attributes, arguments, environment);
                return error == 0 ? pid : throw new ContainerException("start the launcher", null, (Errno)error,
                    "It runs from /proc/self/fd: /proc must be mounted; and where memfds cannot be executed (sysctl vm.memfd_noexec), the state directory must not be on a noexec mount.");
            }
        }
        finally
        {
            _ = Libc.SpawnFileActionsDestroy(actions);
            _ = Libc.SpawnAttributesDestroy(attributes);
        }
    }

    /// <summary>
    /// Waits until that process has ended. That it was already reaped (a host that is PID 1, or that ignores SIGCHLD) is the same.
    /// </summary>
    public static void Reap(int pid)
    {
        var info = stackalloc byte[128];
        while (Libc.WaitId(Libc.WaitPid, pid, info, Libc.WaitExited) != 0)
        {
            if (ErrnoNames.Last != Errno.EINTR)
            {
                return;
            }
        }
    }

    private static FileDescriptor MoveUp(FileDescriptor fd)
    {
        var moved = Libc.Fcntl(fd, FcntlDuplicateCloseOnExec, SafeDescriptor);
        return moved >= 0 ? new FileDescriptor(moved) : throw new ContainerException("duplicate a descriptor", null, ErrnoNames.Last);
    }

    private static void Check(int error)
    {
        if (error != 0)
        {
            throw new ContainerException("prepare to start the launcher", null, (Errno)error);
        }
    }
}
