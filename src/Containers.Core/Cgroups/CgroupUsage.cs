namespace Containers.Cgroups;

/// <summary>What a container used, as its control groups counted it. Null: this host does not count it, which is not zero.</summary>
internal readonly record struct CgroupUsage
{
    public TimeSpan? TotalCpu { get; init; }

    public TimeSpan? UserCpu { get; init; }

    public TimeSpan? SystemCpu { get; init; }

    /// <summary>How long the CPU quota kept its processes from running.</summary>
    public TimeSpan? ThrottledTime { get; init; }

    /// <summary>Bytes charged now; only with <see cref="UsageDetail.Current"/>.</summary>
    public long? Memory { get; init; }

    public long? PeakMemory { get; init; }

    public MemoryPeakSource PeakMemorySource { get; init; }

    /// <summary>Processes the kernel killed for want of memory in this group.</summary>
    public long? OomKills { get; init; }

    /// <summary>Processes and threads now; only with <see cref="UsageDetail.Current"/>.</summary>
    public long? Processes { get; init; }

    public long? PeakProcesses { get; init; }

    /// <summary>How often a fork failed for the limit on processes.</summary>
    public long? ProcessLimitHits { get; init; }

    public long? BytesRead { get; init; }

    public long? BytesWritten { get; init; }

    public long? ReadOperations { get; init; }

    public long? WriteOperations { get; init; }
}
