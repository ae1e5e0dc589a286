using System.Net;

namespace Containers;

/// <summary>A network across hosts, as this host has it.</summary>
public sealed record NetworkOverlayInfo
{
    internal NetworkOverlayInfo()
    {
    }

    /// <summary>The VXLAN's id, the same on all hosts.</summary>
    public required int NetworkId { get; init; }

    /// <summary>This host's address between the hosts.</summary>
    public required IPAddress Local { get; init; }

    /// <summary>The other hosts'.</summary>
    public required IReadOnlyList<IPAddress> Peers { get; init; }

    /// <summary>The UDP port.</summary>
    public required int Port { get; init; }

    /// <summary>Packets for the network that were dropped, as they came from no peer.</summary>
    public long RefusedPackets { get; init; }
}
