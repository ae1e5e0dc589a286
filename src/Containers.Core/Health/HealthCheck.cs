using System.Collections.Immutable;
using Containers.Specification.Rules;

namespace Containers;

/// <summary>
/// A command that tells whether a container works, as Docker's <c>HEALTHCHECK</c>: it is run in the container again and again, as its user and
/// in its directory, and what counts is that it exits with 0. The defaults are Docker's.
/// </summary>
public sealed record HealthCheck
{
    internal const int MostOutput = 4096;

    /// <summary>More than anybody means, and less than a timer takes.</summary>
    internal static readonly TimeSpan Longest = TimeSpan.FromDays(24);

    /// <summary>No check, also where the image has one.</summary>
    internal static readonly HealthCheck Off = new();

    private HealthCheck()
    {
    }

    /// <summary>Creates a check.</summary>
    /// <param name="command">The program and its arguments, not interpreted by any shell.</param>
    /// <exception cref="ArgumentException">There is no word, the first is empty, or one has a NUL character or is longer than the kernel takes.</exception>
    public HealthCheck(params string[] command) => Command = CommandWords.RequireProgram(command, nameof(command), "check");

    /// <summary>The program and its arguments.</summary>
    public IReadOnlyList<string> Command { get; } = ImmutableArray<string>.Empty;

    /// <summary>From the start, or the end of one check, to the next. 30 seconds by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not above zero, or longer than 24 days.</exception>
    public TimeSpan Interval { get; init => field = Positive(value, nameof(Interval)); } = TimeSpan.FromSeconds(30);

    /// <summary>How long one check may take; then its command is killed, and the check has failed. 30 seconds by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not above zero, or longer than 24 days.</exception>
    public TimeSpan Timeout { get; init => field = Positive(value, nameof(Timeout)); } = TimeSpan.FromSeconds(30);

    /// <summary>For how long after the start failures do not count, unless a check has succeeded. None by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below zero, or longer than 24 days.</exception>
    public TimeSpan StartPeriod { get; init => field = value == TimeSpan.Zero ? value : Positive(value, nameof(StartPeriod)); }

    /// <summary>In place of <see cref="Interval"/> during <see cref="StartPeriod"/>. 5 seconds by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not above zero, or longer than 24 days.</exception>
    public TimeSpan StartInterval { get; init => field = Positive(value, nameof(StartInterval)); } = TimeSpan.FromSeconds(5);

    /// <summary>After how many failures in a row the container is unhealthy. 3 by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below one.</exception>
    public int Retries { get; init => field = AtLeastOnce(value, nameof(Retries)); } = 3;

    /// <summary>A check by a line for the container's <c>/bin/sh</c>.</summary>
    /// <param name="line">The line.</param>
    /// <exception cref="ArgumentException">It has a NUL character or is longer than the kernel takes.</exception>
    public static HealthCheck Shell(string line) => new("/bin/sh", "-c", line);

    private static TimeSpan Positive(TimeSpan value, string name) => value > TimeSpan.Zero && value <= Longest
        ? value
        : throw new ArgumentOutOfRangeException(name, value, $"A time of a health check is above zero and at most {Longest.Days} days.");

    private static int AtLeastOnce(int value, string name) => value >= 1 ? value : throw new ArgumentOutOfRangeException(name, value, "A check fails once at least before it counts.");
}
