using System.Globalization;
using System.Text;

namespace Containers;

/// <summary>How a job ended, what it wrote and what it used.</summary>
public sealed class ContainerResult
{
    internal ContainerResult()
    {
    }

    /// <summary>Why it ended.</summary>
    public required Outcome Outcome { get; init; }

    /// <summary>The exit code of the main process; 128 plus the signal's number where a signal ended it.</summary>
    public required int ExitCode { get; init; }

    /// <summary>The signal that ended the main process, if one did.</summary>
    public required Signal? Signal { get; init; }

    /// <summary>
    /// The system call that the filter killed a process of the job for: the first one; null where there was none. With
    /// <see cref="Outcome.SyscallDenied"/> it is null where the call was one of another architecture, or where the filter is too narrow to
    /// ask this process before it kills.
    /// </summary>
    public string? DeniedSystemCall { get; init; }

    /// <summary>What it wrote to its standard output; with a terminal, everything.</summary>
    public required CapturedOutput StandardOutput { get; init; }

    /// <summary>What it wrote to its standard error; empty with a terminal.</summary>
    public required CapturedOutput StandardError { get; init; }

    /// <summary>What it used.</summary>
    public required ResourceUsage Usage { get; init; }

    /// <summary>When it was asked to start, in UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When its main process had ended, in UTC.</summary>
    public required DateTimeOffset FinishedAt { get; init; }

    /// <summary>Whether it exited by itself with code 0.</summary>
    public bool IsSuccess => Outcome == Outcome.Exited && ExitCode == 0;

    /// <summary>Returns this result if the job exited with code 0.</summary>
    /// <exception cref="ContainerFailedException">It did not.</exception>
    public ContainerResult EnsureSuccess() => IsSuccess ? this : throw new ContainerFailedException(this);

    /// <summary>The outcome in one line.</summary>
    public override string ToString()
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Outcome}, exit code {ExitCode}");
        text = Signal is { } signal ? text.Append(CultureInfo.InvariantCulture, $", signal {signal}") : text;
        return (DeniedSystemCall is { } call ? text.Append(CultureInfo.InvariantCulture, $", killed for {call}") : text).ToString();
    }
}
