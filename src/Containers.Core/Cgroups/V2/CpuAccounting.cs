namespace Containers.Cgroups.V2;

/// <summary>CPU time on cgroup v2, which every group counts, with the <c>cpu</c> controller or without.</summary>
internal static class CpuAccounting
{
    private const int BufferSize = 1024;

    private static ReadOnlySpan<byte> Statistics => "cpu.stat"u8;

    public static CgroupUsage Read(ControlGroup group, CgroupUsage usage)
    {
        Span<byte> buffer = stackalloc byte[BufferSize];
        var text = group.Read(Statistics, buffer);
        return usage with
        {
            TotalCpu = KernelTime.FromMicroseconds(KernelText.Keyed(text, "usage_usec"u8)),
            UserCpu = KernelTime.FromMicroseconds(KernelText.Keyed(text, "user_usec"u8)),
            SystemCpu = KernelTime.FromMicroseconds(KernelText.Keyed(text, "system_usec"u8)),
        };
    }
}
