namespace Containers;

/// <summary>How a job ended and what it used.</summary>
public sealed class ContainerResult
{
    internal ContainerResult()
    {
    }

    /// <summary>The exit code of the main process; 128 plus the signal where a signal ended it.</summary>
    public int ExitCode { get; internal init; }

    /// <summary>The signal that ended the main process, if one did.</summary>
    public Signal? Signal { get; internal init; }
}
