using Containers.Specification;
using Containers.Specification.Rules;

namespace Containers;

// How much of the host the container may use.
public sealed partial class ContainerBuilder
{
    // The launcher itself gets along with less. A limit below it is nearly always a forgotten unit, 100 for 100.MB, and
    // could not hold the page tables and kernel stack of one process beside the pages the kernel charges in advance.
    private const long MinMemory = 1 << 20;

    // The kernel's least quota, 1 ms, of its usual period of 100 ms (kernel/sched/core.c, min_cfs_quota_period).
    private const double MinCpus = 0.01;

    // NR_CPUS of the largest configuration.
    private const double MaxCpus = 8192;

    // PID_MAX_LIMIT (linux/threads.h): pids.max takes no more.
    private const int PidMaxLimit = 4 * 1024 * 1024;

    /// <summary>
    /// Limits memory: everything the container's processes hold, with the page cache of their files, tmpfs and kernel memory.
    /// A job that needs more is killed and ends as <see cref="Outcome.OutOfMemory"/>.
    /// </summary>
    /// <param name="memory">The limit, from 1 MiB.</param>
    /// <param name="swap">Swap that may be used on top of it; none if null, unlike Docker, which would double the limit.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="memory"/> is below 1 MiB.</exception>
    /// <exception cref="ArgumentException"><paramref name="memory"/> is below the reservation set before.</exception>
    public ContainerBuilder WithMemory(ByteSize memory, ByteSize? swap = null)
    {
        RequireMemory(memory, nameof(memory));
        return WithLimits(RequireReservationFits(Spec.Limits with { Memory = memory, Swap = swap }, nameof(memory)));
    }

    /// <summary>
    /// Reserves memory: when the host runs short, the kernel takes back from this container what is above, and first from others
    /// what they have above theirs (<c>memory.low</c>, on cgroup v1 <c>memory.soft_limit_in_bytes</c>).
    /// </summary>
    /// <param name="memory">The reservation, from 1 MiB and at most the limit.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="memory"/> is below 1 MiB.</exception>
    /// <exception cref="ArgumentException"><paramref name="memory"/> is above the limit set before.</exception>
    public ContainerBuilder WithMemoryReservation(ByteSize memory)
    {
        RequireMemory(memory, nameof(memory));
        return WithLimits(RequireReservationFits(Spec.Limits with { MemoryReservation = memory }, nameof(memory)));
    }

    /// <summary>Limits processor time a second of wall time: 0.5 is half of one processor, 2 is two (the CFS quota).</summary>
    /// <param name="cpus">0.01 to 8192.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="cpus"/> is out of range or not a number.</exception>
    public ContainerBuilder WithCpus(double cpus) => cpus is >= MinCpus and <= MaxCpus
        ? WithLimits(Spec.Limits with { Cpus = cpus })
        : throw new ArgumentOutOfRangeException(
            nameof(cpus), cpus, $"A number of processors is {MinCpus:0.00} to {MaxCpus}; 0.5 is half of one.");

    /// <summary>Sets the share of processor time while processors are busy, against other containers; 1024 is usual.</summary>
    /// <param name="shares">2 to 262144 (<c>cpu.shares</c>; on cgroup v2 converted to <c>cpu.weight</c>).</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="shares"/> is out of range.</exception>
    public ContainerBuilder WithCpuShares(long shares) => shares is >= 2 and <= 262144
        ? WithLimits(Spec.Limits with { CpuShares = shares })
        : throw new ArgumentOutOfRangeException(nameof(shares), shares, "CPU shares are 2 to 262144; 1024 is one container's usual share.");

    /// <summary>Sets the processors the container may run on.</summary>
    /// <param name="list">Numbers and ranges, <c>0-2,6,8</c>; processors the host lacks are seen when it starts.</param>
    /// <exception cref="ArgumentException"><paramref name="list"/> is not a list of processors.</exception>
    public ContainerBuilder WithCpuSet(string list) => WithLimits(Spec.Limits with { CpuSet = new CpuSet(list) });

    /// <summary>Sets the processors the container may run on.</summary>
    /// <param name="set">The processors.</param>
    public ContainerBuilder WithCpuSet(CpuSet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        return WithLimits(Spec.Limits with { CpuSet = set });
    }

    /// <summary>
    /// Limits processes and threads together. It is 1024 unless set, so that a fork bomb does not take the host's process ids.
    /// </summary>
    /// <param name="count">1 to 4194304; null lifts the limit.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is out of range.</exception>
    public ContainerBuilder WithMaxProcesses(int? count) => count is null or (>= 1 and <= PidMaxLimit)
        ? WithLimits(Spec.Limits with { MaxProcesses = count, MaxProcessesAsked = true })
        : throw new ArgumentOutOfRangeException(nameof(count), count, $"A limit of processes is 1 to {PidMaxLimit}; null lifts it.");

    /// <summary>Sets the share of block devices and the rates on single ones.</summary>
    /// <param name="limits">The limits; they replace those set before.</param>
    public ContainerBuilder WithBlockIO(BlockIOLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        return WithLimits(Spec.Limits with { BlockIO = limits });
    }

    /// <summary>Sets a limit of each process (getrlimit(2)).</summary>
    /// <param name="name">
    /// The name as <c>docker run --ulimit</c> has it: <c>nofile</c>, <c>core</c>, <c>stack</c> and so on; see <see
    /// cref="Ulimit"/>.
    /// </param>
    /// <param name="soft">The limit in force, or <see cref="Ulimit.Unlimited"/>.</param>
    /// <param name="hard">How far a process may raise it itself; the same as <paramref name="soft"/> if null.</param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is none of the kernel's limits.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="soft"/> is above <paramref name="hard"/>.</exception>
    public ContainerBuilder WithUlimit(string name, ulong soft, ulong? hard = null) => WithUlimit(new Ulimit(name, soft, hard ?? soft));

    /// <summary>Sets a limit of each process (getrlimit(2)).</summary>
    /// <param name="limit">The limit.</param>
    public ContainerBuilder WithUlimit(Ulimit limit)
    {
        ArgumentNullException.ThrowIfNull(limit);
        return With(Spec with { Ulimits = Spec.Ulimits.With(limit, static item => item.Name) });
    }

    /// <summary>Limits wall time from the start; the container is then killed and ends as <see cref="Outcome.TimedOut"/>.</summary>
    /// <param name="timeout">Above zero, at most 24 days; <see cref="Timeout.InfiniteTimeSpan"/> lifts the limit.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="timeout"/> is out of range.</exception>
    public ContainerBuilder WithTimeout(TimeSpan timeout) =>
        With(Spec with { Timeout = Duration.Require(timeout, nameof(timeout)) });

    /// <summary>
    /// Limits the processor time of all processes together; the container is then killed and ends as
    /// <see cref="Outcome.CpuTimeExceeded"/>.
    /// </summary>
    /// <param name="limit">Above zero, at most 24 days; <see cref="Timeout.InfiniteTimeSpan"/> lifts the limit.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is out of range.</exception>
    public ContainerBuilder WithCpuTimeLimit(TimeSpan limit) =>
        With(Spec with { CpuTimeLimit = Duration.Require(limit, nameof(limit)) });

    /// <summary>Limits how much of each standard stream is kept in memory for the result; 4 MiB, truncated, unless set.</summary>
    /// <param name="limit">The limit for each of the two streams, at most 2 GiB; zero keeps nothing.</param>
    /// <param name="overflow">What happens when the job writes more.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
    public ContainerBuilder WithOutputLimit(ByteSize limit, OutputOverflow overflow = OutputOverflow.Truncate) =>
        limit.Bytes <= Array.MaxLength
        ? With(Spec with { OutputLimit = new OutputLimit(limit.Bytes, Choice.Require(overflow, nameof(overflow))) })
        : throw new ArgumentOutOfRangeException(
            nameof(limit), limit, $"The result is one array: it holds {Array.MaxLength} bytes at most. Stream longer output.");

    /// <summary>
    /// Limits what the container writes to its root: the writable layer is then in memory, of that size, and counts as memory
    /// of the container. A job that fails with it full ends as <see cref="Outcome.DiskLimitExceeded"/>.
    /// </summary>
    /// <param name="size">The size, from 4 KiB.</param>
    /// <param name="inodes">How many files and directories, from 2; one for each 4 KiB of the size if null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is too small.</exception>
    public ContainerBuilder WithDisk(ByteSize size, long? inodes = null)
    {
        TmpfsLimits.Require(size, nameof(size), inodes, nameof(inodes));
        return With(NamespaceRule.Require(Spec with { Disk = new DiskLimit(size, inodes ?? TmpfsLimits.DefaultInodes(size)) }, nameof(size)));
    }

    /// <summary>Sets how willingly the kernel kills the job when memory runs out (<c>oom_score_adj</c>, proc(5)).</summary>
    /// <param name="adjustment">-1000, never, to 1000, first; below the host process's own it needs CAP_SYS_RESOURCE.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="adjustment"/> is out of range.</exception>
    public ContainerBuilder WithOomScoreAdjustment(int adjustment) => adjustment is >= -1000 and <= 1000
        ? With(Spec with { OomScoreAdjustment = adjustment })
        : throw new ArgumentOutOfRangeException(
            nameof(adjustment), adjustment, "An OOM score adjustment is -1000 (never killed) to 1000 (killed first).");

    private ContainerBuilder WithLimits(ResourceLimits limits) => With(Spec with { Limits = limits });

    private static void RequireMemory(ByteSize memory, string parameter)
    {
        if (memory.Bytes < MinMemory)
        {
            throw new ArgumentOutOfRangeException(parameter, memory, "Memory is 1 MiB at least; write sizes with their unit, as 100.MB.");
        }
    }

    private static ResourceLimits RequireReservationFits(ResourceLimits limits, string parameter) =>
        limits.MemoryReservation > limits.Memory
        ? throw new ArgumentException(
            $"The memory reservation of {limits.MemoryReservation} is above the limit of {limits.Memory}; reserve at most the limit.",
            parameter)
        : limits;
}
