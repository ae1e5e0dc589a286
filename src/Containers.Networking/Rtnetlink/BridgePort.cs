using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>What a bridge does with one of its ports; null: what it does by itself, or did before.</summary>
internal sealed record BridgePort
{
    /// <summary>Frames of isolated ports go to ports that are not isolated, and to the bridge itself, only.</summary>
    public bool? Isolated { get; init; }

    /// <summary>Whether addresses seen are remembered. Off, with a permanent entry for each, a port cannot take another one's frames.</summary>
    public bool? Learning { get; init; }

    /// <summary>Whether a frame may leave by the port it came from.</summary>
    public bool? Hairpin { get; init; }

    /// <summary>Whether the port is closed when a spanning tree message comes from it.</summary>
    public bool? Guard { get; init; }

    /// <summary>Whether frames to unknown addresses go out here.</summary>
    public bool? UnicastFlood { get; init; }

    public bool? MulticastFlood { get; init; }

    public bool? BroadcastFlood { get; init; }

    /// <summary>Whether the bridge answers for neighbours it knows instead of asking them.</summary>
    public bool? NeighbourSuppression { get; init; }

    public void Write(MessageWriter writer)
    {
        Put(writer, BridgePortAttribute.Isolated, Isolated);
        Put(writer, BridgePortAttribute.Learning, Learning);
        Put(writer, BridgePortAttribute.Hairpin, Hairpin);
        Put(writer, BridgePortAttribute.Guard, Guard);
        Put(writer, BridgePortAttribute.UnicastFlood, UnicastFlood);
        Put(writer, BridgePortAttribute.MulticastFlood, MulticastFlood);
        Put(writer, BridgePortAttribute.BroadcastFlood, BroadcastFlood);
        Put(writer, BridgePortAttribute.NeighbourSuppression, NeighbourSuppression);
    }

    public static BridgePort Parse(AttributeReader attributes)
    {
        var port = new BridgePort();
        foreach (var attribute in attributes)
        {
            port = (BridgePortAttribute)attribute.Type switch
            {
                BridgePortAttribute.Isolated => port with { Isolated = attribute.Byte != 0 },
                BridgePortAttribute.Learning => port with { Learning = attribute.Byte != 0 },
                BridgePortAttribute.Hairpin => port with { Hairpin = attribute.Byte != 0 },
                BridgePortAttribute.Guard => port with { Guard = attribute.Byte != 0 },
                BridgePortAttribute.UnicastFlood => port with { UnicastFlood = attribute.Byte != 0 },
                BridgePortAttribute.MulticastFlood => port with { MulticastFlood = attribute.Byte != 0 },
                BridgePortAttribute.BroadcastFlood => port with { BroadcastFlood = attribute.Byte != 0 },
                BridgePortAttribute.NeighbourSuppression => port with { NeighbourSuppression = attribute.Byte != 0 },
                _ => port,
            };
        }

        return port;
    }

    private static void Put(MessageWriter writer, BridgePortAttribute type, bool? value)
    {
        if (value is { } set)
        {
            writer.PutBoolean(type, set);
        }
    }
}
