using System.Net;

namespace Containers;

/// <summary>What a container with an <see cref="EgressPolicy"/> sent, and what was refused.</summary>
public sealed record EgressUsage
{
    /// <summary>Bytes that were sent, with the headers of IP.</summary>
    public long SentBytes { get; init; }

    /// <summary>Packets that were sent; large segments of TCP count once.</summary>
    public long SentPackets { get; init; }

    /// <summary>Bytes of packets that the policy does not allow.</summary>
    public long RefusedBytes { get; init; }

    /// <summary>Packets that the policy does not allow.</summary>
    public long RefusedPackets { get; init; }

    /// <summary>Packets that went no further because of <see cref="EgressPolicy.Limit"/>, in both directions.</summary>
    public long LimitedPackets { get; init; }

    /// <summary>Packets with a MAC or IP address that is not the container's, or of a kind that no container sends.</summary>
    public long SpoofedPackets { get; init; }

    /// <summary>What is left of <see cref="EgressPolicy.TotalBytes"/>; null: there is no limit.</summary>
    public ByteSize? RemainingBytes { get; init; }

    /// <summary>Where refused packets were to go, the most frequent first; at most 256 destinations are kept, the first ones.</summary>
    public IReadOnlyList<RefusedDestination> Refused { get; init; } = [];
}

/// <summary>Somewhere that a container tried to reach and may not.</summary>
/// <param name="Address">The address.</param>
/// <param name="Protocol">The number of the protocol above IP: 6 for TCP, 17 for UDP, 1 for ICMP.</param>
/// <param name="Port">The port; 0 where the protocol has none.</param>
/// <param name="Packets">How many packets.</param>
public sealed record RefusedDestination(IPAddress Address, int Protocol, int Port, long Packets);
