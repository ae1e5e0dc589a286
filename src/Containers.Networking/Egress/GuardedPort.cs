using System.Net;
using System.Net.NetworkInformation;
using Containers.Nftables;

namespace Containers.Egress;

/// <summary>The host's end of a container's cable, as <see cref="GuardTable"/> has it.</summary>
/// <param name="Device">The interface's name on the host.</param>
/// <param name="Hardware">The hardware address of the container's end.</param>
/// <param name="Addresses">The container's addresses there.</param>
internal sealed record GuardedPort(string Device, PhysicalAddress Hardware, IReadOnlyList<IPAddress> Addresses)
{
    /// <summary>Before what the host's administrator may have there.</summary>
    private const int Priority = -200;

    private const ushort DnsPort = 53;

    /// <summary>Where the network's DNS server is; a policy allows it always, since the server knows the policy.</summary>
    public IReadOnlyList<IPAddress> NameServers { get; init; } = [];

    private string InName => "from-" + Device;

    private string OutName => "to-" + Device;

    /// <summary>Adds the port: to the batch that makes it a bridge's port, or before that, so that nothing passes before.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="guard">The table.</param>
    /// <param name="policy">The chains of the container's policy; null: it may send where it likes.</param>
    public void Add(NftBatch batch, GuardTable guard, EgressChains? policy)
    {
        AddElements(batch, guard);
        var from = From(guard.Table);
        batch.AddChain(from);
        var pinned = new Rule(Act.Counter, Act.Jump(guard.Pinned.Name));
        if (policy is null)
        {
            AddShortcuts(batch, from);
            batch.AddRule(from, pinned);
            batch.AddRule(from, new Rule(Act.Counter, Act.Accept));
            return;
        }

        batch.AddRule(from, pinned);
        batch.AddRule(from, new Rule(Act.Counter));
        foreach (var server in NameServers)
        {
            batch.AddRule(from, new Rule(Match.Destination(server), Match.UdpDestinationPort(DnsPort), Act.Goto(policy.Pass.Name)));
            batch.AddRule(from, new Rule(Match.Destination(server), Match.TcpDestinationPort(DnsPort), Act.Goto(policy.Pass.Name)));
        }

        batch.AddRule(from, new Rule(Act.Goto(policy.Out.Name)));
        var to = new Chain(guard.Table, OutName) { Hook = new Hook(HookPoint.Egress, Priority) { Device = Device } };
        batch.AddChain(to);
        policy.AddArrivals(batch, to);
    }

    /// <summary>Takes the port away; call with the chains that are there: those of an interface that is gone went with it before Linux 6.16.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="guard">The table.</param>
    /// <param name="hasPolicy">Whether it was added with a policy.</param>
    /// <param name="isThere">Whether there is a chain of this name.</param>
    public void Remove(NftBatch batch, GuardTable guard, bool hasPolicy, Func<string, bool> isThere)
    {
        foreach (var name in (ReadOnlySpan<string>)[InName, OutName])
        {
            if ((hasPolicy || name == InName) && isThere(name))
            {
                batch.DeleteChain(new Chain(guard.Table, name));
            }
        }

        ChangeElements(guard, batch.DeleteElements);
    }

    /// <summary>How many frames were not the container's own to send.</summary>
    public ulong CountSpoofed(NftablesClient client, GuardTable guard)
    {
        var counters = client.ListRules(new Chain(guard.Table, InName)).Select(static rule => rule.Counter).OfType<(ulong Bytes, ulong Packets)>().ToList();
        return counters.Count < 2 ? 0 : counters[0].Packets - counters[1].Packets;
    }

    /// <summary>
    /// Most frames are segments of TCP, of which nothing but the sender can be wrong: compared with the port's own addresses they need not be
    /// looked up among those of all ports. They are not counted, as they are no others' to send.
    /// </summary>
    private void AddShortcuts(NftBatch batch, Chain from)
    {
        foreach (var address in Addresses)
        {
            var (source, type) = Match.IsFour(address) ? (Field.Ip4Source, EtherType.Ip4) : (Field.Ip6Source, EtherType.Ip6);
            batch.AddRule(from, new Rule(
                Match.TransportProtocol(TransportProtocol.Tcp),
                Match.Is(Field.EthernetSourceAndType, (byte[])[.. Value.Of(Hardware), .. Value.Port(type)]),
                Match.Is(source, Value.Of(address)),
                Act.Accept));
        }
    }

    private Chain From(Table table) => new(table, InName) { Hook = new Hook(HookPoint.Ingress, Priority) { Device = Device } };

    private void AddElements(NftBatch batch, GuardTable guard) => ChangeElements(guard, batch.AddElements);

    private void ChangeElements(GuardTable guard, Action<Set, IEnumerable<SetElement>> change)
    {
        var cable = Value.Join(Value.Interface(Device), Value.Of(Hardware));
        change(guard.Sets.Hardware, [new SetElement(cable)]);
        var has6 = false;
        foreach (var address in Addresses)
        {
            has6 |= !Match.IsFour(address);
            change(Match.IsFour(address) ? guard.Sets.Address4 : guard.Sets.Address6, [new SetElement(Value.Join(cable, Value.Of(address)))]);
        }

        if (has6)
        {
            change(guard.Sets.Address6, [new SetElement(Value.Join(cable, Value.Of(LinkLocal(Hardware))))]);
        }
    }

    /// <summary>The address that the kernel makes of a hardware address (RFC 4291, appendix A).</summary>
    private static IPAddress LinkLocal(PhysicalAddress hardware)
    {
        const byte LocalBit = 0x02;
        var mac = hardware.GetAddressBytes();
        return new IPAddress([0xfe, 0x80, 0, 0, 0, 0, 0, 0, (byte)(mac[0] ^ LocalBit), mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]]);
    }
}
