namespace Containers.Egress;

/// <summary>Rates of bytes a second, as queues and filters take them.</summary>
internal static class NetworkRate
{
    /// <summary>Less than this is no network: a packet would wait for seconds.</summary>
    private const long Least = 1024;

    private const ulong SmallestBurst = 64 * 1024;
    private const ulong LargestBurst = 64 << 20;

    /// <summary>What may go at once: ten milliseconds' worth, and at least the largest packet that a segmenting interface hands over.</summary>
    public static uint BurstOf(ulong bytesPerSecond) => (uint)Math.Clamp(bytesPerSecond / 100, SmallestBurst, LargestBurst);

    public static void Require(ByteSize? bytesPerSecond, string parameter)
    {
        if (bytesPerSecond is { Bytes: < Least })
        {
            throw new ArgumentOutOfRangeException(parameter, $"A rate is at least {Least} bytes a second, so that packets do not wait for ever.");
        }
    }
}
