namespace Containers.Interop;

/// <summary>Calls on a pidfd (pidfd_open(2)): the one handle on a process that can never come to mean another.</summary>
internal static unsafe class PidFd
{
    private const short PollIn = 1;

    /// <summary>Sends a signal. False: the process has ended.</summary>
    /// <exception cref="ContainerException">The kernel refused.</exception>
    public static bool Signal(FileDescriptor pidfd, int signal)
    {
        if (Libc.PidfdSendSignalCall(Libc.SysPidfdSendSignal, pidfd, signal, 0, 0) == 0)
        {
            return true;
        }

        var errno = ErrnoNames.Last;
        return errno == Errno.ESRCH ? false : throw new ContainerException($"send signal {signal}", null, errno);
    }

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
