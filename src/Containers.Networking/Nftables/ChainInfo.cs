using Containers.Netlink;

namespace Containers.Nftables;

/// <summary>A chain as listed.</summary>
/// <param name="Table">Its table.</param>
/// <param name="Name">Its name.</param>
internal sealed record ChainInfo(Table Table, string Name)
{
    /// <summary>Where packets come to it by themselves; null: other rules send them.</summary>
    public HookPoint? Point { get; init; }

    /// <summary>What becomes of a packet that comes to its end.</summary>
    public ChainPolicy? Policy { get; init; }

    public override string ToString() => $"{Name} of table {Table}";

    public static ChainInfo Parse(NetlinkMessage message)
    {
        var family = message.Read<NetfilterHeader>().Family;
        var (table, name, point, policy) = (string.Empty, string.Empty, (HookPoint?)null, (ChainPolicy?)null);
        foreach (var attribute in message.AttributesAfter<NetfilterHeader>())
        {
            switch ((ChainAttribute)attribute.Type)
            {
                case ChainAttribute.Table:
                    table = attribute.Text;
                    break;
                case ChainAttribute.Name:
                    name = attribute.Text;
                    break;
                case ChainAttribute.Hook:
                    point = PointOf(attribute.Nested, family);
                    break;
                case ChainAttribute.Policy:
                    policy = (ChainPolicy)attribute.NetworkUInt32;
                    break;
            }
        }

        return new ChainInfo(new Table(family, table), name) { Point = point, Policy = policy };
    }

    private static HookPoint? PointOf(AttributeReader hook, NftFamily family)
    {
        foreach (var attribute in hook)
        {
            if ((HookAttribute)attribute.Type == HookAttribute.Number)
            {
                return (HookPoint)attribute.NetworkUInt32 + (family == NftFamily.Netdev ? (int)HookPoint.Ingress : 0);
            }
        }

        return null;
    }
}
