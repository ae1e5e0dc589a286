namespace Containers.Processes;

/// <summary>Decides why a job ended, from what was seen; one rule for each outcome, the strongest first.</summary>
internal static class Verdict
{
    /// <param name="exit">How its main process ended.</param>
    /// <param name="enforced">What the engine killed it for, or saw broken.</param>
    /// <param name="outOfMemory">The kernel killed a process of it for lack of memory, and nothing but the kernel can have sent SIGKILL.</param>
    /// <param name="denied">A process of it was killed for a system call.</param>
    /// <param name="diskFull">Its writable layer, whose limit was asked for, has no block or inode left.</param>
    public static Outcome Decide(in JobExit exit, Outcome? enforced, bool outOfMemory, bool denied, bool diskFull) => exit switch
    {
        _ when enforced is { } reason => reason,
        { ExitCode: not 0 } when diskFull => Outcome.DiskLimitExceeded,
        { Signal: (int)Signal.Kill } when outOfMemory => Outcome.OutOfMemory,
        { Signal: (int)Signal.Kill } when denied => Outcome.SyscallDenied,
        { Signal: (int)Signal.BadSystemCall } => Outcome.SyscallDenied,
        { Signal: not null } => Outcome.Signaled,
        _ => Outcome.Exited,
    };
}
