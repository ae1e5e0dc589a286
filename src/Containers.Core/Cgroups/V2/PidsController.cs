using Containers.Specification;

namespace Containers.Cgroups.V2;

/// <summary>The <c>pids</c> controller of cgroup v2 (cgroup-v2.rst, "PID"), which counts threads as well as processes.</summary>
internal static class PidsController
{
    private static ReadOnlySpan<byte> Limit => "pids.max"u8;

    private static ReadOnlySpan<byte> Current => "pids.current"u8;

    private static ReadOnlySpan<byte> Peak => "pids.peak"u8;

    private static ReadOnlySpan<byte> Events => "pids.events"u8;

    public static void Apply(ControlGroup group, ResourceLimits limits)
    {
        if (limits.MaxProcesses is { } most)
        {
            group.Write(Limit, most);
        }
    }

    public static CgroupUsage Read(ControlGroup group, UsageDetail detail, CgroupUsage usage) => usage with
    {
        Processes = detail == UsageDetail.Current ? group.ReadNumber(Current) : null,

        // Since Linux 6.1, on both versions.
        PeakProcesses = group.ReadNumber(Peak),
        ProcessLimitHits = group.ReadKeyed(Events, "max"u8),
    };
}
