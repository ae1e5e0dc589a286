namespace Containers.Specification.Rules;

/// <summary>Limits of time.</summary>
internal static class Duration
{
    /// <summary>What .NET's own timers and waits take: 2^31-1 milliseconds, some 24.8 days.</summary>
    private static readonly TimeSpan Max = TimeSpan.FromMilliseconds(int.MaxValue);

    /// <summary>The limit, or null for <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    public static TimeSpan? Require(TimeSpan limit, string parameter)
    {
        if (limit == Timeout.InfiniteTimeSpan)
        {
            return null;
        }

        return limit > TimeSpan.Zero && limit <= Max
            ? limit
            : throw new ArgumentOutOfRangeException(
                parameter, limit, $"A limit of time is above zero and at most {Max.Days} days; Timeout.InfiniteTimeSpan lifts it.");
    }
}
