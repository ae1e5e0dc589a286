namespace Containers;

/// <summary>How one health check went.</summary>
/// <param name="ExitCode">What its command exited with; -1 where it was killed after <see cref="HealthCheck.Timeout"/>, or could not be run.</param>
/// <param name="Output">The first 4096 bytes of what it wrote to standard output and error, or why it could not be run.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="FinishedAt">When it ended.</param>
public sealed record HealthCheckResult(int ExitCode, string Output, DateTimeOffset StartedAt, DateTimeOffset FinishedAt)
{
    /// <summary>Whether the container worked.</summary>
    public bool IsSuccess => ExitCode == 0;
}
