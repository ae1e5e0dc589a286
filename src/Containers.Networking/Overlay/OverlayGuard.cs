using System.Net;
using Containers.Nftables;

namespace Containers.Overlay;

/// <summary>
/// Drops what comes for an overlay network from everybody who is no peer: the kernel takes it from anywhere. Other networks of that port stay as
/// they are.
/// </summary>
/// <param name="options">The network.</param>
/// <param name="bridge">Its bridge.</param>
/// <param name="chain">Where packets to the host come.</param>
internal sealed class OverlayGuard(OverlayOptions options, string bridge, Chain chain)
{
    private string Name { get; } = "overlay-" + bridge;

    private Set Peers => new(chain.Table, Name, Match.IsFour(options.Local) ? DataType.Ip4 : DataType.Ip6);

    public void Add(NftBatch batch, IEnumerable<IPAddress> peers)
    {
        batch.AddSet(Peers);
        batch.AddElements(Peers, peers.Select(static peer => new SetElement(Value.Of(peer))));
        batch.AddCounter(chain.Table, Name);
        byte[] id = [(byte)(options.NetworkId >> 16), (byte)(options.NetworkId >> 8), (byte)options.NetworkId];
        foreach (var family in (ReadOnlySpan<Field>)[Field.Ip4Source, Field.Ip6Source])
        {
            // Of the other family nobody is a peer.
            var isOurs = family == Field.Ip4Source == Match.IsFour(options.Local);
            var stranger = isOurs ? Match.NotIn(Peers.Name, family) : Match.NetworkProtocol(family == Field.Ip4Source ? EtherType.Ip4 : EtherType.Ip6);
            batch.AddRule(chain, new Rule(stranger, Match.UdpDestinationPort((ushort)options.Port), Match.Is(Field.VxlanNetwork, id), Act.CountBy(Name), Act.Drop) { Comment = Name });
        }
    }

    /// <summary>Believes other peers than before.</summary>
    public void Change(NftBatch batch, IEnumerable<IPAddress> come, IEnumerable<IPAddress> gone)
    {
        batch.AddElements(Peers, come.Select(static peer => new SetElement(Value.Of(peer))));
        batch.DeleteElements(Peers, gone.Select(static peer => new SetElement(Value.Of(peer))));
    }

    /// <summary>The reverse of <see cref="Add"/>.</summary>
    public void Remove(NftablesClient client, NftBatch batch)
    {
        foreach (var rule in client.ListRules(chain).Where(rule => rule.Comment == Name))
        {
            batch.DeleteRule(chain, rule.Handle);
        }

        batch.DeleteCounter(chain.Table, Name);
        batch.DeleteSet(Peers);
    }

    /// <summary>How many packets were of no peer.</summary>
    public long Refused(NftablesClient client) => (long)(client.ListCounters(chain.Table).Find(counter => counter.Name == Name)?.Packets ?? 0);
}
