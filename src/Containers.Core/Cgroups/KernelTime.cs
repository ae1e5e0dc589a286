namespace Containers.Cgroups;

/// <summary>Times as control group files count them.</summary>
internal static class KernelTime
{
    public static TimeSpan? FromMicroseconds(long? count) => Scale(count, TimeSpan.TicksPerMicrosecond, 1);

    public static TimeSpan? FromNanoseconds(long? count) => Scale(count, 1, TimeSpan.NanosecondsPerTick);

    private static TimeSpan? Scale(long? count, long multiplier, long divisor) =>
        count is { } value ? new TimeSpan(value > long.MaxValue / multiplier ? long.MaxValue : value * multiplier / divisor) : null;
}
