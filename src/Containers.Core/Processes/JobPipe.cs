using Containers.Interop;

namespace Containers.Processes;

/// <summary>
/// A pipe between the host and a job. The host's end is non-blocking and the job's is not: programs do not expect it, and the flag
/// belongs to each end's open file description.
/// </summary>
internal readonly record struct JobPipe(FileDescriptor HostEnd, FileDescriptor JobEnd)
{
    /// <summary>The job writes, the host reads.</summary>
    /// <exception cref="ContainerException">No descriptor or pipe memory is left.</exception>
    public static JobPipe ForOutput()
    {
        var (read, write) = Create();
        return WithNonBlockingHostEnd(new JobPipe(read, write));
    }

    /// <summary>The host writes, the job reads.</summary>
    /// <exception cref="ContainerException">No descriptor or pipe memory is left.</exception>
    public static JobPipe ForInput()
    {
        var (read, write) = Create();
        return WithNonBlockingHostEnd(new JobPipe(write, read));
    }

    private static unsafe (FileDescriptor Read, FileDescriptor Write) Create()
    {
        var fds = stackalloc int[2];
        if (Libc.Pipe2(fds, Libc.OpenCloseOnExec) != 0)
        {
            throw new ContainerException("pipe2", path: null, ErrnoNames.Last, "Raise the limit of open files (ulimit -n).");
        }

        return (new FileDescriptor(fds[0]), new FileDescriptor(fds[1]));
    }

    private static JobPipe WithNonBlockingHostEnd(JobPipe pipe)
    {
        if (Libc.Fcntl(pipe.HostEnd, Libc.FcntlSetFlags, Libc.OpenNonBlocking) != 0)
        {
            var errno = ErrnoNames.Last;
            pipe.HostEnd.Dispose();
            pipe.JobEnd.Dispose();
            throw new ContainerException("fcntl F_SETFL", path: null, errno);
        }

        return pipe;
    }
}
