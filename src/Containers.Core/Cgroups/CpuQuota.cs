namespace Containers.Cgroups;

/// <summary>A number of processors as the scheduler's quota of each period.</summary>
internal static class CpuQuota
{
    /// <summary>The kernel's default: what Docker, runc and crun use.</summary>
    public const long PeriodMicroseconds = 100_000;

    /// <summary>The least quota the kernel takes (kernel/sched/core.c, min_cfs_quota_period).</summary>
    public const long LeastMicroseconds = 1000;

    public static long Microseconds(double cpus) => Math.Max(LeastMicroseconds, (long)Math.Round(cpus * PeriodMicroseconds));

    /// <summary>
    /// Shares (2 to 262144) as a weight (1 to 10000), so that the defaults of both, 1024 and 100, are the same thing: the formula of
    /// runc 1.3 and crun 1.23. The straight line used before them gave an explicit 1024 shares less than half of the default weight.
    /// </summary>
    public static long Weight(long shares)
    {
        if (shares <= 2)
        {
            return 1;
        }

        if (shares >= 262144)
        {
            return 10000;
        }

        var log = Math.Log2(shares);
        return (long)Math.Ceiling(Math.Pow(10, (((log * log) + (125 * log)) / 612.0) - (7.0 / 34.0)));
    }
}
