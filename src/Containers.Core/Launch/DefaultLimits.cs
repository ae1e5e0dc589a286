using System.Collections.Immutable;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>
/// rlimits of a container: every one is set, so that what the host process inherited, or the runtime raised for itself, does
/// not reach a job (getrlimit(2)).
/// </summary>
internal static class DefaultLimits
{
    private const ulong Unlimited = ulong.MaxValue;

    /// <summary>In the order of their numbers (asm-generic/resource.h). Soft and hard; the hard one never above this process's own.</summary>
    private static readonly (string Name, ulong Soft, ulong Hard)[] Values =
    [
        ("cpu", Unlimited, Unlimited),
        ("fsize", Unlimited, Unlimited),
        ("data", Unlimited, Unlimited),
        ("stack", 8 << 20, Unlimited),
        ("core", 1, 1), // not 0, at which core files still go to a program of the host, that runs as root outside; of 1 neither is made (core(5))
        ("rss", Unlimited, Unlimited),
        ("nproc", Unlimited, Unlimited), // counted per user across containers: the cgroup's pids.max is the limit
        ("nofile", 1024, 65536), // above 1024, select(2) of old programs breaks
        ("memlock", 8 << 20, 8 << 20),
        ("as", Unlimited, Unlimited),
        ("locks", Unlimited, Unlimited),
        ("sigpending", 16384, 16384),
        ("msgqueue", 819200, 819200),
        ("nice", 0, 0),
        ("rtprio", 0, 0),
        ("rttime", Unlimited, Unlimited),
    ];

    public static ImmutableArray<ResourceLimitValue> Create()
    {
        var limits = ImmutableArray.CreateBuilder<ResourceLimitValue>(Values.Length);
        for (var resource = 0; resource < Values.Length; resource++)
        {
            var (name, soft, hard) = Values[resource];
            hard = Math.Min(hard, Own(resource, name).Hard);
            limits.Add(new ResourceLimitValue(resource, name, Math.Min(soft, hard), hard));
        }

        return limits.MoveToImmutable();
    }

    /// <summary>What this process itself has.</summary>
    public static unsafe ResourceLimitValue Own(int resource, string name)
    {
        var values = stackalloc ulong[2];
        return Libc.GetResourceLimit(resource, values) == 0
            ? new ResourceLimitValue(resource, name, values[0], values[1])
            : throw new ContainerException("read the limit", name, ErrnoNames.Last);
    }
}
