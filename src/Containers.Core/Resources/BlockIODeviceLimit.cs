using Containers.Specification.Rules;

namespace Containers;

/// <summary>Rates for one block device; null is no limit. Reads and writes are limited apart.</summary>
public sealed record BlockIODeviceLimit
{
    /// <summary>Creates limits for a device.</summary>
    /// <param name="devicePath">The block device on the host, such as <c>/dev/sda</c>: a whole disk, not a partition.</param>
    /// <exception cref="ArgumentException"><paramref name="devicePath"/> is not an absolute path.</exception>
    public BlockIODeviceLimit(string devicePath) => DevicePath = HostPath.Device(devicePath, nameof(devicePath));

    /// <summary>The block device on the host.</summary>
    public string DevicePath { get; }

    /// <summary>Bytes read in a second, at least 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The rate is zero or negative.</exception>
    public long? ReadBytesPerSecond
    {
        get;
        init => field = RequirePositive(value, nameof(ReadBytesPerSecond));
    }

    /// <summary>Bytes written in a second, at least 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The rate is zero or negative.</exception>
    public long? WriteBytesPerSecond
    {
        get;
        init => field = RequirePositive(value, nameof(WriteBytesPerSecond));
    }

    /// <summary>Read operations in a second, at least 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The rate is zero or negative.</exception>
    public long? ReadOperationsPerSecond
    {
        get;
        init => field = RequireOperations(value, nameof(ReadOperationsPerSecond));
    }

    /// <summary>Write operations in a second, at least 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The rate is zero or negative.</exception>
    public long? WriteOperationsPerSecond
    {
        get;
        init => field = RequireOperations(value, nameof(WriteOperationsPerSecond));
    }

    // The kernel reads a rate of 0 as "no limit" on cgroup v1 and refuses it on v2: neither is what 0 says.
    private static long? RequirePositive(long? rate, string parameter) => rate <= 0
        ? throw new ArgumentOutOfRangeException(parameter, rate, "A rate is 1 a second at least; leave it null for no limit.")
        : rate;

    // The kernel counts operations in 32 bits (block/blk-throttle.c).
    private static long? RequireOperations(long? rate, string parameter) => rate > uint.MaxValue
        ? throw new ArgumentOutOfRangeException(parameter, rate, "The kernel counts up to 4,294,967,295 operations a second.")
        : RequirePositive(rate, parameter);
}
