namespace Containers.Specification;

/// <summary>Limits a cgroup holds. Null means no limit of that kind.</summary>
internal sealed record ResourceLimits
{
    /// <summary>
    /// Enough for a build or a service with its threads, far below the host's pid_max: without any limit a fork bomb takes
    /// every process id of the host, so a container has one unless the caller lifts it.
    /// </summary>
    public const int DefaultMaxProcesses = 1024;

    public ByteSize? Memory { get; init; }

    /// <summary>Swap on top of <see cref="Memory"/>, in bytes. Null: none may be used.</summary>
    public ByteSize? Swap { get; init; }

    public ByteSize? MemoryReservation { get; init; }

    public double? Cpus { get; init; }

    /// <summary>cgroup v1 shares, 2 to 262144 (1024 is one share); converted to a weight on v2.</summary>
    public long? CpuShares { get; init; }

    public CpuSet? CpuSet { get; init; }

    public int? MaxProcesses { get; init; } = DefaultMaxProcesses;

    /// <summary>
    /// Whether the caller set <see cref="MaxProcesses"/>. A limit that was asked for and cannot be enforced is an error; the
    /// default one is left out on a host that grants no cgroup.
    /// </summary>
    public bool MaxProcessesAsked { get; init; }

    public BlockIOLimits? BlockIO { get; init; }
}
