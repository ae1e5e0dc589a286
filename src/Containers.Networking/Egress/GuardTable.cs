using System.Net;
using Containers.Addresses;
using Containers.Interop;
using Containers.Nftables;

namespace Containers.Egress;

/// <summary>
/// The table (family netdev) at the host's ends of an engine's cables: whatever a container sends comes here first, before a bridge, a route or
/// a service of the host sees it. Each container's frames must have its own addresses, so that nobody can speak for another
/// (CVE-2020-10749, CVE-2020-13401), whatever capabilities it has; then comes its <see cref="EgressPolicy"/>, if it has one. The family
/// bridge would come later, and lacks rejects and interfaces in some kernels.
/// </summary>
internal sealed class GuardTable(string name, bool owned)
{
    // Types of ICMPv6 (RFC 4861, RFC 2710, RFC 3810).
    private const byte RouterAdvertisement = 134;
    private const byte NeighbourSolicitation = 135;
    private const byte NeighbourAdvertisement = 136;
    private const byte Redirect = 137;
    private const byte ListenerReport = 143;
    private const ushort DhcpServerPort = 67;
    private const ushort Dhcp6ServerPort = 547;

    private readonly Lock _gate = new();
    private bool? _canReject;

    private readonly GuardSets _sets = new(new Table(NftFamily.Netdev, name) { Owned = owned });

    public Table Table => _sets.Table;

    internal GuardSets Sets => _sets;

    /// <summary>
    /// Whether the kernel can answer what it refuses here (CONFIG_NFT_REJECT_NETDEV, Linux 5.12, and without it in some distributions' kernels:
    /// Debian 12's). Where it cannot, what is refused gets no answer.
    /// </summary>
    /// <param name="client">Whose socket owns the table, which is there.</param>
    /// <exception cref="NetworkException">The kernel refuses for another reason.</exception>
    public bool CanReject(NftablesClient client)
    {
        lock (_gate)
        {
            return _canReject ??= Try(client);
        }
    }

    /// <summary>Adds the table with what all ports share.</summary>
    public void Declare(NftBatch batch)
    {
        batch.AddTable(Table);
        foreach (var set in _sets.All)
        {
            batch.AddSet(set);
        }

        batch.AddElements(_sets.Special4, [.. SpecialNetworks.All.Where(Subnets.IsFour).Select(SetElement.Of)]);
        batch.AddElements(_sets.Special6, [.. SpecialNetworks.All.Where(static network => !Subnets.IsFour(network)).Select(SetElement.Of)]);
        batch.AddElements(_sets.Discovery, [.. GuardSets.DiscoveryTypes.Select(static type => new SetElement([type]))]);
        foreach (var chain in (ReadOnlySpan<Chain>)[Arp, Ip4, Unspecified6, Ip6, Pinned])
        {
            batch.AddChain(chain);
        }

        DeclarePinned(batch);
    }

    /// <summary>Containers of the engine are at these addresses: policies that allow larger networks do not mean them.</summary>
    public void ChangeSubnets(NftBatch batch, bool adding, IEnumerable<IPNetwork> subnets)
    {
        foreach (var subnet in subnets)
        {
            var set = Subnets.IsFour(subnet) ? _sets.Special4 : _sets.Special6;
            if (adding)
            {
                batch.AddElements(set, SetElement.Of(subnet));
            }
            else
            {
                batch.DeleteElements(set, SetElement.Of(subnet));
            }
        }
    }

    /// <summary>The chain that every port's frames go through; it returns for those that are honest.</summary>
    internal Chain Pinned => new(Table, "pinned");

    private Chain Arp => new(Table, "pinned-arp");

    private Chain Ip4 => new(Table, "pinned-ip4");

    private Chain Ip6 => new(Table, "pinned-ip6");

    private Chain Unspecified6 => new(Table, "pinned-unspecified");

    private bool Try(NftablesClient client)
    {
        var chain = new Chain(Table, "can-reject");
        try
        {
            client.Commit(batch =>
            {
                batch.AddChain(chain);
                batch.AddRule(chain, new Rule(Act.Prohibit));
                batch.DeleteChain(chain);
            });
            return true;
        }
        catch (NetworkException unknown) when (unknown.ErrorNumber is (int)Errno.ENOENT or (int)Errno.EOPNOTSUPP)
        {
            return false;
        }
    }

    private void DeclarePinned(NftBatch batch)
    {
        // The frame's own type: no VLAN tag that a bridge or an interface of the host would take off, no spanning tree, no LLDP. Most first.
        batch.AddRule(Pinned, new Rule(Match.Is(Field.EthernetType, Value.Port(EtherType.Ip4)), Act.Goto(Ip4.Name)));
        batch.AddRule(Pinned, new Rule(Match.Is(Field.EthernetType, Value.Port(EtherType.Ip6)), Act.Goto(Ip6.Name)));
        batch.AddRule(Pinned, new Rule(Match.Is(Field.EthernetType, Value.Port(EtherType.Arp)), Act.Goto(Arp.Name)));
        batch.AddRule(Pinned, new Rule(Act.Drop));

        batch.AddRule(Ip4, new Rule(Match.Is(Field.UdpSourcePort, Value.Port(DhcpServerPort)), Act.Drop));
        batch.AddRule(Ip4, new Rule(Match.In(_sets.Address4.Name, Field.InputInterface, Field.EthernetSource, Field.Ip4Source), Act.Return));
        batch.AddRule(Ip4, new Rule(Act.Drop));

        batch.AddRule(Ip6, new Rule(Match.Is(Field.Icmp6Type, Value.Byte(RouterAdvertisement)), Act.Drop));
        batch.AddRule(Ip6, new Rule(Match.Is(Field.Icmp6Type, Value.Byte(Redirect)), Act.Drop));
        batch.AddRule(Ip6, new Rule(Match.Is(Field.Icmp6Type, Value.Byte(NeighbourAdvertisement)), Match.NotIn(_sets.Address6.Name, Field.InputInterface, Field.EthernetSource, Field.NeighbourTarget), Act.Drop));
        batch.AddRule(Ip6, new Rule(Match.Is(Field.UdpSourcePort, Value.Port(Dhcp6ServerPort)), Act.Drop));
        batch.AddRule(Ip6, new Rule(Match.In(_sets.Address6.Name, Field.InputInterface, Field.EthernetSource, Field.Ip6Source), Act.Return));
        batch.AddRule(Ip6, new Rule(Match.Is(Field.Ip6Source, Value.Of(IPAddress.IPv6Any)), Act.Goto(Unspecified6.Name)));
        batch.AddRule(Ip6, new Rule(Act.Drop));

        // Without an address yet: it may ask whether anybody has its own one, and say which groups it is in.
        batch.AddRule(Unspecified6, new Rule(Match.NotIn(_sets.Hardware.Name, Field.InputInterface, Field.EthernetSource), Act.Drop));
        batch.AddRule(Unspecified6, new Rule(Match.Is(Field.Icmp6Type, Value.Byte(ListenerReport)), Act.Return));
        batch.AddRule(Unspecified6, new Rule(Match.Is(Field.Icmp6Type, Value.Byte(NeighbourSolicitation)), Match.In(_sets.Address6.Name, Field.InputInterface, Field.EthernetSource, Field.NeighbourTarget), Act.Return));
        batch.AddRule(Unspecified6, new Rule(Act.Drop));

        // Ethernet and IPv4 with addresses of 6 and 4 bytes: with other lengths the sender would be somewhere else than looked at.
        batch.AddRule(Arp, new Rule(Match.NotIn(_sets.Hardware.Name, Field.InputInterface, Field.EthernetSource), Act.Drop));
        batch.AddRule(Arp, new Rule(Match.IsNot(Field.ArpFormat, new byte[] { 0, 1, 8, 0, 6, 4 }), Act.Drop));
        batch.AddRule(Arp, new Rule(Match.NotIn(_sets.Hardware.Name, Field.InputInterface, Field.ArpSenderHardware), Act.Drop));
        batch.AddRule(Arp, new Rule(Match.In(_sets.Address4.Name, Field.InputInterface, Field.ArpSenderHardware, Field.ArpSenderAddress), Act.Return));
        batch.AddRule(Arp, new Rule(Match.Is(Field.ArpSenderAddress, Value.Of(IPAddress.Any)), Act.Return));
        batch.AddRule(Arp, new Rule(Act.Drop));
    }
}
