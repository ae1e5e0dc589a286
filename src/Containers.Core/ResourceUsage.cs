using Containers.Cgroups;
using Containers.Launch;

namespace Containers;

/// <summary>What a container used. A figure that this host cannot give is null, never zero.</summary>
public sealed record ResourceUsage
{
    internal ResourceUsage()
    {
    }

    /// <summary>CPU time of all processes in user mode.</summary>
    public TimeSpan? UserCpu { get; init; }

    /// <summary>CPU time of all processes in the kernel.</summary>
    public TimeSpan? SystemCpu { get; init; }

    /// <summary>CPU time of all processes.</summary>
    public TimeSpan? TotalCpu { get; init; }

    /// <summary>Time on the wall clock, from the request to start to the end of the main process; monotonic.</summary>
    public TimeSpan WallTime { get; init; }

    /// <summary>The most memory used at once, as <see cref="PeakMemorySource"/> counts it.</summary>
    public ByteSize? PeakMemory { get; init; }

    /// <summary>
    /// Where the peak comes from: <c>memory.peak</c> (cgroup v2) or <c>memory.max_usage_in_bytes</c> (v1), both of all processes with page
    /// cache; or <c>ru_maxrss</c>, the largest single process, where there is no memory cgroup.
    /// </summary>
    public string? PeakMemorySource { get; init; }

    /// <summary>The most processes and threads at once.</summary>
    public long? PeakProcesses { get; init; }

    /// <summary>How many processes the kernel killed for lack of memory.</summary>
    public long? OomKills { get; init; }

    /// <summary>Bytes read from block devices.</summary>
    public long? BlockReadBytes { get; init; }

    /// <summary>Bytes written to block devices.</summary>
    public long? BlockWriteBytes { get; init; }

    /// <summary>Bytes written to standard output and error together, kept or not.</summary>
    public long OutputBytes { get; init; }

    /// <summary>Bytes that came to it over its networks, with all headers but the preamble; null without a network of its own.</summary>
    public long? NetworkReceivedBytes { get; init; }

    /// <summary>Bytes that it sent over its networks, as <see cref="NetworkReceivedBytes"/>.</summary>
    public long? NetworkSentBytes { get; init; }

    /// <summary>Memory in use now, with page cache; null in the usage of a container that has ended.</summary>
    public ByteSize? CurrentMemory { get; init; }

    /// <summary>Processes and threads now; null in the usage of a container that has ended.</summary>
    public long? CurrentProcesses { get; init; }

    internal static ResourceUsage Of(in CgroupUsage counted, TimeSpan wallTime, long outputBytes) => new()
    {
        UserCpu = counted.UserCpu,
        SystemCpu = counted.SystemCpu,
        TotalCpu = counted.TotalCpu,
        WallTime = wallTime,
        PeakMemory = Size(counted.PeakMemory),
        PeakMemorySource = counted.PeakMemorySource switch
        {
            MemoryPeakSource.MemoryPeak => "memory.peak",
            MemoryPeakSource.MaxUsageInBytes => "memory.max_usage_in_bytes",
            _ => null,
        },
        PeakProcesses = counted.PeakProcesses,
        OomKills = counted.OomKills,
        BlockReadBytes = counted.BytesRead,
        BlockWriteBytes = counted.BytesWritten,
        OutputBytes = outputBytes,
        CurrentMemory = Size(counted.Memory),
        CurrentProcesses = counted.Processes,
    };

    /// <summary>Where no group counted: what the kernel told of the process when it was reaped, with the children it had waited for.</summary>
    internal ResourceUsage WithFallback(in LauncherMessage exit) => this with
    {
        UserCpu = UserCpu ?? TimeSpan.FromMicroseconds(exit.UserMicroseconds),
        SystemCpu = SystemCpu ?? TimeSpan.FromMicroseconds(exit.SystemMicroseconds),
        TotalCpu = TotalCpu ?? TimeSpan.FromMicroseconds(exit.UserMicroseconds + exit.SystemMicroseconds),
        PeakMemory = PeakMemory ?? new ByteSize((long)exit.MaxResidentBytes),
        PeakMemorySource = PeakMemory is null ? "ru_maxrss" : PeakMemorySource,
    };

    private static ByteSize? Size(long? bytes) => bytes is { } known ? new ByteSize(known) : null;
}
