using Containers.Specification;

namespace Containers.Cgroups.V1;

/// <summary>The <c>cpu</c> controller of cgroup v1 (Documentation/scheduler/sched-bwc.rst).</summary>
internal static class CpuController
{
    private static ReadOnlySpan<byte> Quota => "cpu.cfs_quota_us"u8;

    private static ReadOnlySpan<byte> Shares => "cpu.shares"u8;

    private static ReadOnlySpan<byte> Statistics => "cpu.stat"u8;

    public static void Apply(ControlGroup group, ResourceLimits limits)
    {
        if (limits.Cpus is { } cpus)
        {
            // A new group has the default period, which is the one the quota is for.
            group.Write(Quota, CpuQuota.Microseconds(cpus));
        }

        if (limits.CpuShares is { } shares)
        {
            group.Write(Shares, shares);
        }
    }

    public static CgroupUsage Read(ControlGroup group, CgroupUsage usage) =>
        usage with { ThrottledTime = KernelTime.FromNanoseconds(group.ReadKeyed(Statistics, "throttled_time"u8)) };
}
