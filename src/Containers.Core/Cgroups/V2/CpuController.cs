using Containers.Specification;

namespace Containers.Cgroups.V2;

/// <summary>The <c>cpu</c> controller of cgroup v2 (cgroup-v2.rst, "CPU").</summary>
internal static class CpuController
{
    private static ReadOnlySpan<byte> Limit => "cpu.max"u8;

    private static ReadOnlySpan<byte> Weight => "cpu.weight"u8;

    private static ReadOnlySpan<byte> Statistics => "cpu.stat"u8;

    public static void Apply(ControlGroup group, ResourceLimits limits)
    {
        if (limits.Cpus is { } cpus)
        {
            // "QUOTA PERIOD"; the period may be left out and stays the default.
            group.Write(Limit, CpuQuota.Microseconds(cpus));
        }

        if (limits.CpuShares is { } shares)
        {
            group.Write(Weight, CpuQuota.Weight(shares));
        }
    }

    public static CgroupUsage Read(ControlGroup group, CgroupUsage usage) =>
        usage with { ThrottledTime = KernelTime.FromMicroseconds(group.ReadKeyed(Statistics, "throttled_usec"u8)) };
}
