namespace Containers;

/// <summary>The standard signals by their numbers on x86-64 and arm64 (signal(7)).</summary>
public enum Signal
{
    /// <summary>SIGHUP: the terminal is gone; many services read their configuration again.</summary>
    Hangup = 1,

    /// <summary>SIGINT: interrupt from the keyboard, Ctrl+C.</summary>
    Interrupt = 2,

    /// <summary>SIGQUIT: quit from the keyboard, with a core dump.</summary>
    Quit = 3,

    /// <summary>SIGILL: an illegal instruction.</summary>
    IllegalInstruction = 4,

    /// <summary>SIGTRAP: a breakpoint or a trace trap.</summary>
    Trap = 5,

    /// <summary>SIGABRT: the process called <c>abort</c>, often after a failed assertion.</summary>
    Abort = 6,

    /// <summary>SIGBUS: an access to memory that is mapped but not there.</summary>
    BusError = 7,

    /// <summary>SIGFPE: an arithmetic error such as an integer divided by zero.</summary>
    FloatingPointException = 8,

    /// <summary>SIGKILL: ends a process; it cannot be caught.</summary>
    Kill = 9,

    /// <summary>SIGUSR1: the program's own meaning.</summary>
    User1 = 10,

    /// <summary>SIGSEGV: an invalid memory access.</summary>
    SegmentationFault = 11,

    /// <summary>SIGUSR2: the program's own meaning.</summary>
    User2 = 12,

    /// <summary>SIGPIPE: a write to a pipe that nobody reads.</summary>
    Pipe = 13,

    /// <summary>SIGALRM: the timer of <c>alarm</c>.</summary>
    Alarm = 14,

    /// <summary>SIGTERM: the polite request to end.</summary>
    Terminate = 15,

    /// <summary>SIGSTKFLT: unused by today's kernels.</summary>
    StackFault = 16,

    /// <summary>SIGCHLD: a child stopped or ended.</summary>
    Child = 17,

    /// <summary>SIGCONT: go on after a stop.</summary>
    Continue = 18,

    /// <summary>SIGSTOP: stops a process; it cannot be caught.</summary>
    Stop = 19,

    /// <summary>SIGTSTP: stop from the keyboard, Ctrl+Z.</summary>
    TerminalStop = 20,

    /// <summary>SIGTTIN: a background process read from its terminal.</summary>
    TerminalInput = 21,

    /// <summary>SIGTTOU: a background process wrote to its terminal.</summary>
    TerminalOutput = 22,

    /// <summary>SIGURG: urgent data on a socket.</summary>
    Urgent = 23,

    /// <summary>SIGXCPU: the soft <c>cpu</c> ulimit was reached.</summary>
    CpuTimeLimit = 24,

    /// <summary>SIGXFSZ: the <c>fsize</c> ulimit was reached.</summary>
    FileSizeLimit = 25,

    /// <summary>SIGVTALRM: a timer of CPU time spent in user mode.</summary>
    VirtualAlarm = 26,

    /// <summary>SIGPROF: a profiling timer.</summary>
    ProfilingTimer = 27,

    /// <summary>SIGWINCH: the terminal's size changed.</summary>
    WindowChange = 28,

    /// <summary>SIGIO, also SIGPOLL: a descriptor became ready.</summary>
    InputOutput = 29,

    /// <summary>SIGPWR: a power failure; the request to halt for some inits.</summary>
    PowerFailure = 30,

    /// <summary>SIGSYS: a system call that a seccomp filter refused, or that does not exist.</summary>
    BadSystemCall = 31,
}
