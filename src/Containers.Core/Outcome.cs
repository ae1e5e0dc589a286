namespace Containers;

/// <summary>Why a job ended. Exactly one is reported, by the precedence of the list from bottom to top.</summary>
public enum Outcome
{
    /// <summary>The main process exited by itself; <see cref="ContainerResult.ExitCode"/> is its code.</summary>
    Exited,

    /// <summary>A signal ended the main process; <see cref="ContainerResult.Signal"/> says which.</summary>
    Signaled,

    /// <summary>The seccomp filter killed the main process for a system call.</summary>
    SyscallDenied,

    /// <summary>The kernel killed the main process because the memory limit was reached.</summary>
    OutOfMemory,

    /// <summary>The main process failed while its writable layer had no block or inode left.</summary>
    DiskLimitExceeded,

    /// <summary>More output was written than the limit allows, and the limit was set to kill.</summary>
    OutputLimitExceeded,

    /// <summary>All processes together used more CPU time than allowed.</summary>
    CpuTimeExceeded,

    /// <summary>The wall-clock limit passed.</summary>
    TimedOut,

    /// <summary>The caller canceled, stopped or killed the container.</summary>
    Canceled,
}
