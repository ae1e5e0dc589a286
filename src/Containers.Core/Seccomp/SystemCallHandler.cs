namespace Containers;

/// <summary>Answers a system call of a job.</summary>
/// <param name="call">The call.</param>
public delegate SystemCallAnswer SystemCallHandler(in InterceptedSystemCall call);

/// <summary>A system call that a filter handed to this process; who made it waits for the answer.</summary>
public readonly record struct InterceptedSystemCall
{
    private readonly ulong[] _arguments;

    internal InterceptedSystemCall(int number, int processId, ulong[] arguments)
    {
        Number = number;
        ProcessId = processId;
        _arguments = arguments;
    }

    /// <summary>Its number on this machine.</summary>
    public int Number { get; }

    /// <summary>Its name: <c>uname</c>.</summary>
    public string Name => Seccomp.SystemCallTable.NameOf(Number);

    /// <summary>The process that made it, as the host sees it.</summary>
    public int ProcessId { get; }

    /// <summary>An argument as the processor had it: a number, a descriptor of the job, or an address in its memory.</summary>
    /// <param name="index">0 to 5.</param>
    /// <exception cref="IndexOutOfRangeException"><paramref name="index"/> is none of them.</exception>
    public ulong GetArgument(int index) => _arguments[index];
}

/// <summary>What a system call returns to the job.</summary>
public readonly record struct SystemCallAnswer
{
    private SystemCallAnswer(long value, int error, bool goesOn)
    {
        Value = value;
        Error = error;
        GoesOn = goesOn;
    }

    /// <summary>The kernel makes the call as if there were no filter. Not for deciding on what arguments point to.</summary>
    public static SystemCallAnswer Continue { get; } = new(0, 0, goesOn: true);

    internal long Value { get; }

    internal int Error { get; }

    internal bool GoesOn { get; }

    /// <summary>The call is not made and returns this value.</summary>
    /// <param name="value">The value.</param>
    public static SystemCallAnswer Return(long value) => new(value, 0, goesOn: false);

    /// <summary>The call is not made and fails.</summary>
    /// <param name="errno">The error's number: 1 for EPERM.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="errno"/> is not in 1 to 4095.</exception>
    public static SystemCallAnswer Fail(int errno)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(errno, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(errno, 4095);
        return new SystemCallAnswer(0, errno, goesOn: false);
    }
}
