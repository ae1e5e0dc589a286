namespace Containers.Egress;

/// <summary>Rates of bytes a second, as queues and filters take them.</summary>
internal static class NetworkRate
{
    /// <summary>Less than this is no network: a packet would wait for seconds.</summary>
    private const long Least = 1024;

    private const ulong SmallestBurst = 8 * 1024;
    private const ulong LargestBurst = 64 << 20;

    /// <summary>What may go at once: twenty milliseconds' worth, and two packets at least. Larger segments are cut by the queue.</summary>
    public static uint BurstOf(ulong bytesPerSecond, int mtu = 0) => (uint)Math.Clamp(bytesPerSecond / 50, Math.Max(SmallestBurst, (ulong)mtu * 2), LargestBurst);

    /// <summary>What may wait before the rest is dropped: a tenth of a second's worth, so that senders learn early.</summary>
    public static uint WaitingOf(ulong bytesPerSecond, uint burst) => (uint)Math.Min(bytesPerSecond / 10 + 2UL * burst, uint.MaxValue);

    public static ByteSize? Require(ByteSize? bytesPerSecond, string parameter) => bytesPerSecond is { Bytes: < Least }
        ? throw new ArgumentOutOfRangeException(parameter, $"A rate is at least {Least} bytes a second, so that packets do not wait for ever.")
        : bytesPerSecond;
}
