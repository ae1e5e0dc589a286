namespace Containers.Specification;

/// <summary>Limits a cgroup holds. Null means no limit of that kind.</summary>
internal sealed record ResourceLimits
{
    public ByteSize? Memory { get; init; }

    /// <summary>Swap on top of <see cref="Memory"/>, in bytes. Null: none may be used.</summary>
    public ByteSize? Swap { get; init; }

    public ByteSize? MemoryReservation { get; init; }

    public double? Cpus { get; init; }

    /// <summary>cgroup v1 shares, 2 to 262144 (1024 is one share); converted to a weight on v2.</summary>
    public long? CpuShares { get; init; }

    public CpuSet? CpuSet { get; init; }

    public int? MaxProcesses { get; init; }

    public BlockIOLimits? BlockIO { get; init; }
}
