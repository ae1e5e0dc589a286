namespace Containers.Cgroups.V1;

/// <summary>The <c>cpuacct</c> controller of cgroup v1 (Documentation/admin-guide/cgroup-v1/cpuacct.rst).</summary>
internal static class CpuAccountingController
{
    private static ReadOnlySpan<byte> Usage => "cpuacct.usage"u8;

    private static ReadOnlySpan<byte> UserUsage => "cpuacct.usage_user"u8;

    private static ReadOnlySpan<byte> SystemUsage => "cpuacct.usage_sys"u8;

    public static CgroupUsage Read(ControlGroup group, CgroupUsage usage) => usage with
    {
        TotalCpu = KernelTime.FromNanoseconds(group.ReadNumber(Usage)),
        UserCpu = KernelTime.FromNanoseconds(group.ReadNumber(UserUsage)),
        SystemCpu = KernelTime.FromNanoseconds(group.ReadNumber(SystemUsage)),
    };
}
