namespace Containers.Cgroups;

/// <summary>Where a figure of peak memory comes from.</summary>
internal enum MemoryPeakSource
{
    /// <summary>The kernel keeps none here.</summary>
    NotAvailable,

    /// <summary><c>memory.max_usage_in_bytes</c> of cgroup v1.</summary>
    MaxUsageInBytes,

    /// <summary><c>memory.peak</c> of cgroup v2 (Linux 5.19).</summary>
    MemoryPeak,
}
