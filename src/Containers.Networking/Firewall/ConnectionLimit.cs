using System.Globalization;
using Containers.Netlink;
using Containers.Nftables;

namespace Containers.Firewall;

/// <summary>
/// How many connections of each container of a network are tracked at a time. The containers' addresses get into its sets by their packets and
/// out by themselves, so that a container's start or end changes nothing; more addresses than a set holds cannot be, as each port of the bridge
/// lets its container's own through alone.
/// </summary>
/// <param name="firewall">The engine's rules.</param>
/// <param name="bridge">The network's bridge.</param>
/// <param name="count">The limit.</param>
internal sealed class ConnectionLimit(FirewallTable firewall, string bridge, int count)
{
    /// <summary>
    /// The kernel looks through all connections of a container that makes a new one; with so many that takes 0.1 to 0.2 ms, which a container
    /// at its limit can have it do again and again.
    /// </summary>
    private const int Most = 8192;
    private const int Share = 4;
    private const uint MostContainers = 65536;
    private const string TableSize = "netfilter/nf_conntrack_max";

    public int Count => count;

    private Chain Chain => new(firewall.Table, "limit-" + bridge);

    private Set Set4 => new(firewall.Table, "limit4-" + bridge, DataType.Ip4) { Dynamic = true, Size = MostContainers };

    private Set Set6 => new(firewall.Table, "limit6-" + bridge, DataType.Ip6) { Dynamic = true, Size = MostContainers };

    /// <summary>Where none is given; there is a table of connections once there are rules that look at them.</summary>
    public static int Default() => KernelSettings.ExistsHere(TableSize) && int.TryParse(KernelSettings.ReadHere(TableSize), CultureInfo.InvariantCulture, out var size)
        ? Math.Clamp(size / Share, 1, Most)
        : Most;

    public void Add(NftBatch batch)
    {
        batch.AddSet(Set4);
        batch.AddSet(Set6);
        batch.AddChain(Chain);
        batch.AddRule(Chain, new Rule(Match.ConnectionsOfEachOver((uint)count, Set4.Name, Field.Ip4Source), Act.Counter, Act.Goto(firewall.Refused.Name)));
        batch.AddRule(Chain, new Rule(Match.ConnectionsOfEachOver((uint)count, Set6.Name, Field.Ip6Source), Act.Counter, Act.Goto(firewall.Refused.Name)));
        batch.AddElements(firewall.Limits, new SetElement(Value.Interface(bridge)) { Verdict = Verdict.Jump(Chain.Name) });
    }

    public void Remove(NftBatch batch)
    {
        batch.DeleteElements(firewall.Limits, new SetElement(Value.Interface(bridge)));
        batch.DeleteChain(Chain);
        batch.DeleteSet(Set4);
        batch.DeleteSet(Set6);
    }
}
