namespace Containers.Interop;

/// <summary>Calls on a pidfd (pidfd_open(2)): the one handle on a process that can never come to mean another.</summary>
internal static unsafe class PidFd
{
    private const short PollIn = 1;

    /// <summary>Sends a signal. ESRCH: the process has ended. EPERM: it is another user's.</summary>
    public static Errno Signal(FileDescriptor pidfd, int signal) =>
        Libc.PidfdSendSignalCall(Libc.SysPidfdSendSignal, pidfd, signal, 0, 0) == 0 ? Errno.None : ErrnoNames.Last;

    /// <summary>A handle on the process that has this id now; null where there is none.</summary>
    public static FileDescriptor? Open(int pid) => Libc.PidfdOpenCall(Libc.SysPidfdOpen, pid, 0) is >= 0 and var number ? new FileDescriptor((int)number) : null;

    /// <summary>Blocks until the process has ended.</summary>
    public static void WaitForEnd(FileDescriptor pidfd)
    {
        var polled = new Libc.PollEntry { Descriptor = pidfd.Number, Events = PollIn };
        while (Libc.Poll(&polled, 1, -1) < 0 && ErrnoNames.Last == Errno.EINTR)
        {
        }
    }

    /// <summary>The process's id in this process's PID namespace; null when it has ended.</summary>
    public static int? ProcessId(FileDescriptor pidfd)
    {
        foreach (var line in File.ReadLines($"/proc/self/fdinfo/{pidfd.Number}"))
        {
            if (line.StartsWith("Pid:", StringComparison.Ordinal) && int.TryParse(line.AsSpan(4), out var pid) && pid > 0)
            {
                return pid;
            }
        }

        return null;
    }
}
