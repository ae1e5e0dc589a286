namespace Containers.Cgroups;

/// <summary>The controllers, and the two core functions that are controllers of their own on v1, which containers use.</summary>
internal enum CgroupController
{
    Memory,
    Cpu,

    /// <summary>CPU time: <c>cpuacct</c> on v1; on v2 every group has it (<c>cpu.stat</c>).</summary>
    CpuAccounting,
    Pids,

    /// <summary><c>blkio</c> on v1, <c>io</c> on v2.</summary>
    BlockIO,
    CpuSet,

    /// <summary>Pausing: <c>freezer</c> on v1; on v2 every group has it (<c>cgroup.freeze</c>).</summary>
    Freezer,

    /// <summary><c>devices</c> on v1; a BPF program attached to the group on v2.</summary>
    Devices,
    HugeTlb,
}

internal static class CgroupControllerNames
{
    public const int Count = (int)CgroupController.HugeTlb + 1;

    // In the order of the enumeration; null: no controller on v2, but part of every group or done otherwise.
    private static readonly string[] V1 = ["memory", "cpu", "cpuacct", "pids", "blkio", "cpuset", "freezer", "devices", "hugetlb"];
    private static readonly string?[] V2 = ["memory", "cpu", null, "pids", "io", "cpuset", null, null, "hugetlb"];

    public static string NameV1(this CgroupController controller) => V1[(int)controller];

    public static string? NameV2(this CgroupController controller) => V2[(int)controller];
}
