using Containers.Specification.Rules;

namespace Containers;

/// <summary>
/// A limit of each process (getrlimit(2)), by the name <c>docker run --ulimit</c> uses: <c>nofile</c>, <c>core</c>,
/// <c>stack</c> and so on.
/// </summary>
public sealed record Ulimit
{
    /// <summary>No limit (RLIM_INFINITY).</summary>
    public const ulong Unlimited = ulong.MaxValue;

    /// <summary>The kernel refuses more open files than this whatever fs.nr_open says (fs/file.c, sysctl_nr_open_max).</summary>
    private const ulong MaxOpenFiles = 2147483584;

    // Their places are the numbers RLIMIT_* of asm-generic/resource.h, which x86-64 and arm64 use.
    private static readonly string[] Names =
    [
        "cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile",
        "memlock", "as", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime",
    ];

    /// <summary>Creates a limit.</summary>
    /// <param name="name">
    /// One of <c>as</c>, <c>core</c>, <c>cpu</c>, <c>data</c>, <c>fsize</c>, <c>locks</c>, <c>memlock</c>, <c>msgqueue</c>,
    /// <c>nice</c>, <c>nofile</c>, <c>nproc</c>, <c>rss</c>, <c>rtprio</c>, <c>rttime</c>, <c>sigpending</c> and <c>stack</c>.
    /// </param>
    /// <param name="soft">
    /// The limit in force, in the unit getrlimit(2) gives: bytes, seconds or a number; or <see cref="Unlimited"/>.
    /// </param>
    /// <param name="hard">How far a process may raise it itself; at least <paramref name="soft"/>, or <see cref="Unlimited"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is none of the kernel's limits.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="soft"/> is above <paramref name="hard"/>, or <c>nofile</c> is above what the kernel can count.
    /// </exception>
    public Ulimit(string name, ulong soft, ulong hard)
    {
        ArgumentNullException.ThrowIfNull(name);
        Resource = Array.IndexOf(Names, name);
        if (Resource < 0)
        {
            throw new ArgumentException(
                $"'{Printable.Shorten(name)}' is not a limit of getrlimit(2); use one of {string.Join(", ", Names)}.", nameof(name));
        }

        if (soft > hard)
        {
            throw new ArgumentOutOfRangeException(
                nameof(soft), soft, $"The soft limit of {name} is above the hard limit {hard}; lower it, or raise the hard limit.");
        }

        if (name is "nofile" && hard > MaxOpenFiles)
        {
            throw new ArgumentOutOfRangeException(
                nameof(hard), hard, "The kernel has no unlimited nofile; give a number, at most the host's fs.nr_open.");
        }

        Name = name;
        Soft = soft;
        Hard = hard;
    }

    /// <summary>The name, such as <c>nofile</c>.</summary>
    public string Name { get; }

    /// <summary>The limit in force.</summary>
    public ulong Soft { get; }

    /// <summary>How far a process may raise it itself.</summary>
    public ulong Hard { get; }

    /// <summary>The number of the limit, RLIMIT_*.</summary>
    internal int Resource { get; }
}
