using System.Net.NetworkInformation;
using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>An interface as the kernel describes it.</summary>
internal sealed record Link
{
    public required int Index { get; init; }

    public string Name { get; init; } = string.Empty;

    /// <summary><c>veth</c>, <c>bridge</c>; null for hardware and the loopback.</summary>
    public string? Kind { get; init; }

    public LinkFlags Flags { get; init; }

    public int Mtu { get; init; }

    public PhysicalAddress HardwareAddress { get; init; } = PhysicalAddress.None;

    /// <summary>The bridge it is a port of.</summary>
    public int? Master { get; init; }

    /// <summary>What it was made with or over: for a veth its peer's index, in the peer's namespace.</summary>
    public int? Peer { get; init; }

    /// <summary>The id that this namespace has for the one of <see cref="Peer"/>, where that is another.</summary>
    public int? PeerNamespaceId { get; init; }

    /// <summary>A text anybody may leave on it (IFLA_IFALIAS).</summary>
    public string? Alias { get; init; }

    public string? Qdisc { get; init; }

    public LinkStatistics? Statistics { get; init; }

    /// <summary>Its settings as a port of a bridge.</summary>
    public BridgePort? Port { get; init; }

    public bool IsUp => Flags.HasFlag(LinkFlags.Up);

    public static Link Parse(NetlinkMessage message)
    {
        var header = message.Read<LinkHeader>();
        var link = new Link { Index = header.Index, Flags = header.Flags };
        foreach (var attribute in message.AttributesAfter<LinkHeader>())
        {
            link = (LinkAttribute)attribute.Type switch
            {
                LinkAttribute.Name => link with { Name = attribute.Text },
                LinkAttribute.Mtu => link with { Mtu = attribute.Int32 },
                LinkAttribute.Address => link with { HardwareAddress = attribute.Hardware },
                LinkAttribute.Master => link with { Master = attribute.Int32 },
                LinkAttribute.Link => link with { Peer = attribute.Int32 },
                LinkAttribute.LinkNamespaceId => link with { PeerNamespaceId = attribute.Int32 },
                LinkAttribute.Alias => link with { Alias = attribute.Text },
                LinkAttribute.Qdisc => link with { Qdisc = attribute.Text },
                LinkAttribute.Statistics64 => link with { Statistics = LinkStatistics.Parse(attribute) },
                LinkAttribute.LinkInformation => WithInformation(link, attribute.Nested),
                _ => link,
            };
        }

        return link;
    }

    private static Link WithInformation(Link link, AttributeReader attributes)
    {
        string? portKind = null;
        foreach (var attribute in attributes)
        {
            switch ((LinkInformation)attribute.Type)
            {
                case LinkInformation.Kind:
                    link = link with { Kind = attribute.Text };
                    break;
                case LinkInformation.PortKind:
                    portKind = attribute.Text;
                    break;
                case LinkInformation.PortData when portKind == "bridge":
                    link = link with { Port = BridgePort.Parse(attribute.Nested) };
                    break;
            }
        }

        return link;
    }
}
