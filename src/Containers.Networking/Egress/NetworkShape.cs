using Containers.Rtnetlink;

namespace Containers.Egress;

/// <summary>How fast and how far away a container's networks are. What it receives waits at the host's end of the cable, what it sends at its own.</summary>
internal sealed record NetworkShape
{
    public static NetworkShape None { get; } = new();

    /// <summary>Bytes a second; null: no limit.</summary>
    public long? Sent { get; init; }

    public long? Received { get; init; }

    /// <summary>Added in each direction.</summary>
    public TimeSpan Delay { get; init; }

    public TimeSpan Jitter { get; init; }

    /// <summary>The share of packets that are lost, in each direction.</summary>
    public double Loss { get; init; }

    private bool Impairs => Delay > TimeSpan.Zero || Loss > 0;

    /// <summary>The same, no faster than a rate.</summary>
    public NetworkShape AtMost(ByteSize? bytesPerSecond) => bytesPerSecond is not { Bytes: var rate } ? this : this with
    {
        Sent = Math.Min(rate, Sent ?? long.MaxValue),
        Received = Math.Min(rate, Received ?? long.MaxValue),
    };

    /// <summary>Puts the queues before the container's own end.</summary>
    public void ApplyInside(QdiscTable queues, int index, int mtu) => Apply(queues, index, Sent, mtu);

    /// <summary>Puts the queues before the host's end.</summary>
    public void ApplyOutside(QdiscTable queues, int index, int mtu) => Apply(queues, index, Received, mtu);

    /// <exception cref="NetworkException">The kernel lacks a queue; the message names its module.</exception>
    private void Apply(QdiscTable queues, int index, long? rate, int mtu)
    {
        // First the way, which takes its time for each packet, then the narrow end.
        var handle = QdiscSpec.HandleOf(1);
        if (Impairs)
        {
            const uint PacketsOnTheWay = 10_000;
            queues.Add(index, new NetemQdisc { Handle = handle, Delay = Delay, Jitter = Jitter, Loss = Loss, Limit = PacketsOnTheWay });
        }

        if (rate is { } bytes)
        {
            var burst = NetworkRate.BurstOf((ulong)bytes, mtu);
            queues.Add(index, new TokenBucketQdisc((ulong)bytes, burst, NetworkRate.WaitingOf((ulong)bytes, burst)) { Parent = Impairs ? QdiscSpec.HandleOf(1, 1) : QdiscSpec.Root });
        }
    }
}
