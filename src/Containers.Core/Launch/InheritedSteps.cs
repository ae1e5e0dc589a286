using Containers.Interop;

namespace Containers.Launch;

/// <summary>
/// What goes from a process to its children through every fork and execve, and is no namespace, descriptor or limit: an engine in a host
/// that runs before others, or under a debugger, must not have jobs that do.
/// </summary>
internal static class InheritedSteps
{
    private const int DefaultTimerSlack = 50_000; // nanoseconds (prctl(2), PR_SET_TIMERSLACK)
    private const int RealTimeInputOutput = 1; // IOPRIO_CLASS_RT

    /// <summary>
    /// Leaves it all behind. What puts the host behind others stays, as one who lowers a program means its children too. The thread that
    /// compiles this is the one that starts the launcher.
    /// </summary>
    public static void Reset(ProgramBuilder program)
    {
        // A debugger has switched the randomisation of addresses off (personality(2)).
        program.Call(SystemCall.SetPersonality, "have", "the ordinary personality", 0);
        program.Call(SystemCall.Prctl, "allow", "huge pages", Linux.PrSetHugePagesDisabled, 0, 0, 0, 0);
        if (Libc.SchedulingPolicy() is 1 or 2 or 6)
        {
            // SCHED_FIFO, SCHED_RR, SCHED_DEADLINE: a job that spins would have the processor for ever. SCHED_OTHER is 0.
            program.Call(SystemCall.SetScheduler, "leave", "real-time scheduling", 0, 0, program.Bytes(stackalloc byte[sizeof(int)]));
        }

        if (Libc.NiceValue() < 0)
        {
            program.Call(SystemCall.SetPriority, "leave", "the host's priority", Libc.PriorityOfProcess, 0, 0);
        }

        if (Libc.InputOutputClass() == RealTimeInputOutput)
        {
            program.Call(SystemCall.SetInputOutputPriority, "leave", "the host's priority at the disk", Libc.InputOutputPriorityOfProcess, 0, 0);
        }

        // Last: real-time processes have none, and keep none.
        program.Call(SystemCall.Prctl, "set", "the timer slack", Linux.PrSetTimerSlack, DefaultTimerSlack, 0, 0, 0);
    }
}
