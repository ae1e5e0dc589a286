using System.Net;
using Containers.Egress;
using static Containers.Tests.Egress.EgressLab;
using static Containers.Tests.Egress.Frames;

namespace Containers.Tests.Egress;

/// <summary>What a machine at the bridge sends that is not its own to send, with raw sockets, and what of it others get.</summary>
public sealed class SpoofingTests
{
    private static readonly byte[] A = [0x02, 0, 0, 0, 0, 2];
    private static readonly byte[] B = [0x02, 0, 0, 0, 0, 3];
    private static readonly byte[] Other = [0x02, 0, 0, 0, 0, 0x99];
    private static readonly byte[] Tagged = [0x81, 0];
    private static readonly byte[] Discovery = "LLDP"u8.ToArray();
    private static readonly byte[] AllNodes = [0x33, 0x33, 0, 0, 0, 1];
    private static readonly byte[] BridgeGroup = [0x01, 0x80, 0xc2, 0, 0, 0];

    private static readonly IPAddress Own = IPAddress.Parse("10.9.0.2");
    private static readonly IPAddress Peer = IPAddress.Parse("10.9.0.3");
    private static readonly IPAddress Own6 = IPAddress.Parse("fd00:9::2");
    private static readonly IPAddress Link6 = IPAddress.Parse("fe80::ff:fe00:2");
    private static readonly IPAddress Peer6 = IPAddress.Parse("fd00:9::3");
    private static readonly IPAddress Nodes6 = IPAddress.Parse("ff02::1");

    private static Dictionary<string, byte[]> Forged { get; } = new(StringComparer.Ordinal)
    {
        ["another hardware address"] = Ethernet(Everybody, Other, Ip4, Packet4(Own, Peer, 17, Datagram(1, 2, []))),
        ["the peer's hardware address"] = Ethernet(Everybody, B, Arp, ArpReply(B, Own, Peer)),
        ["ARP: the gateway's address"] = Ethernet(B, A, Arp, ArpReply(A, Gateway, Peer)),
        ["ARP: a request that says so"] = Ethernet(Everybody, A, Arp, ArpReply(A, Gateway, Peer, operation: 1)),
        ["ARP: for another machine"] = Ethernet(B, A, Arp, ArpReply(Other, Own, Peer)),
        ["ARP: other lengths"] = Ethernet(B, A, Arp, ArpReply(A, Own, Peer, hardwareLength: 8)),
        ["IPv4: the peer's address"] = Ethernet(B, A, Ip4, Packet4(Peer, Peer, 17, Datagram(1, 2, []))),
        ["IPv4: somebody's address"] = Ethernet(B, A, Ip4, Packet4(IPAddress.Parse("192.0.2.1"), Peer, 17, Datagram(1, 2, []))),
        ["TCP: the peer's address"] = Ethernet(B, A, Ip4, Packet4(Peer, Peer, 6, Segment(1, 2))),
        ["TCP: another hardware address"] = Ethernet(B, Other, Ip4, Packet4(Own, Peer, 6, Segment(1, 2))),
        ["TCP: in a frame of a VLAN"] = [.. B, .. A, .. Tagged, 0, 5, 0x08, 0, .. Packet4(Own, Peer, 6, Segment(1, 2))],
        ["TCP by IPv6: the peer's address"] = Ethernet(B, A, Ip6, Packet6(Peer6, Peer6, 6, Segment(1, 2))),
        ["TCP by IPv6: another hardware address"] = Ethernet(B, Other, Ip6, Packet6(Own6, Peer6, 6, Segment(1, 2))),
        ["TCP by IPv6: no address"] = Ethernet(B, A, Ip6, Packet6(IPAddress.IPv6Any, Peer6, 6, Segment(1, 2))),
        ["DHCP: an offer"] = Ethernet(Everybody, A, Ip4, Packet4(Own, IPAddress.Broadcast, 17, Datagram(67, 68, []))),
        ["DHCP: without an address"] = Ethernet(Everybody, A, Ip4, Packet4(IPAddress.Any, IPAddress.Broadcast, 17, Datagram(68, 67, []))),
        ["DHCPv6: an offer"] = Ethernet(AllNodes, A, Ip6, Packet6(Link6, Nodes6, 17, Datagram(547, 546, []))),
        ["IPv6: the peer's address"] = Ethernet(B, A, Ip6, Packet6(Peer6, Peer6, 17, Datagram(1, 2, []))),
        ["IPv6: another hardware address"] = Ethernet(B, Other, Ip6, Packet6(Own6, Peer6, 17, Datagram(1, 2, []))),
        ["ND: its own address, by another hardware address"] = Ethernet(B, Other, Ip6, Icmp6(Own6, Peer6, 136, [0x60, 0, 0, 0, .. Own6.GetAddressBytes(), 2, 1, .. Other])),
        ["ND: whether anybody has its own address, by another hardware address"] = Ethernet(AllNodes, Other, Ip6, Icmp6(IPAddress.IPv6Any, Nodes6, 135, [0, 0, 0, 0, .. Own6.GetAddressBytes()])),
        ["ND: its groups, by another hardware address"] = Ethernet(AllNodes, Other, Ip6, Icmp6(IPAddress.IPv6Any, Nodes6, 143, [0, 0, 0, 0])),
        ["IPv6: no address"] = Ethernet(B, A, Ip6, Packet6(IPAddress.IPv6Any, Peer6, 17, Datagram(1, 2, []))),
        ["ND: a router advertisement"] = Ethernet(AllNodes, A, Ip6, Icmp6(Link6, Nodes6, 134, [64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0])),
        ["ND: a redirect"] = Ethernet(B, A, Ip6, Icmp6(Link6, Peer6, 137, [0, 0, 0, 0, .. Link6.GetAddressBytes(), .. Outside6.GetAddressBytes()])),
        ["ND: the gateway's address"] = Ethernet(B, A, Ip6, Icmp6(Own6, Peer6, 136, [0x60, 0, 0, 0, .. Gateway6.GetAddressBytes(), 2, 1, .. A])),
        ["ND: whether anybody has the peer's address"] = Ethernet(B, A, Ip6, Icmp6(IPAddress.IPv6Any, Nodes6, 135, [0, 0, 0, 0, .. Peer6.GetAddressBytes()])),
        ["a router advertisement behind a header"] = Ethernet(AllNodes, A, Ip6, Packet6(Link6, Nodes6, 60, [58, 0, 1, 4, 0, 0, 0, 0, .. Icmp6(Link6, Nodes6, 134, [64, 0, 7, 8])[40..]])),
        ["spanning tree"] = [.. BridgeGroup, .. A, 0, 38, 0x42, 0x42, 3, 0, 0, 0, 0, 0],
        ["LLDP"] = Ethernet(Everybody, A, 0x88cc, Discovery),
        ["a VLAN's tag"] = [.. B, .. A, 0x81, 0, 0, 5, 0x08, 0, .. Packet4(Own, Peer, 17, Datagram(1, 2, []))],
        ["a tag of a VLAN's priority"] = [.. B, .. A, 0x81, 0, 0, 0, 0x08, 0, .. Packet4(Own, Peer, 17, Datagram(1, 2, []))],
    };

    private static Dictionary<string, byte[]> Honest { get; } = new(StringComparer.Ordinal)
    {
        ["ARP"] = Ethernet(Everybody, A, Arp, ArpReply(A, Own, Peer, operation: 1)),
        ["ARP: whether anybody has an address"] = Ethernet(Everybody, A, Arp, ArpReply(A, IPAddress.Any, Peer, operation: 1)),
        ["IPv4"] = Ethernet(B, A, Ip4, Packet4(Own, Peer, 17, Datagram(1, 2, []))),
        ["IPv6"] = Ethernet(B, A, Ip6, Packet6(Own6, Peer6, 17, Datagram(1, 2, []))),
        ["TCP"] = Ethernet(B, A, Ip4, Packet4(Own, Peer, 6, Segment(1, 2))),
        ["TCP by IPv6"] = Ethernet(B, A, Ip6, Packet6(Own6, Peer6, 6, Segment(1, 2))),
        ["TCP by IPv6 of the link"] = Ethernet(B, A, Ip6, Packet6(Link6, Peer6, 6, Segment(1, 2))),
        ["IPv6 of the link"] = Ethernet(B, A, Ip6, Packet6(Link6, Peer6, 17, Datagram(1, 2, []))),
        ["ND: whether anybody has its own address"] = Ethernet(AllNodes, A, Ip6, Icmp6(IPAddress.IPv6Any, Nodes6, 135, [0, 0, 0, 0, .. Own6.GetAddressBytes()])),
        ["ND: its groups"] = Ethernet(AllNodes, A, Ip6, Icmp6(IPAddress.IPv6Any, Nodes6, 143, [0, 0, 0, 0])),
        ["ND: its own address"] = Ethernet(B, A, Ip6, Icmp6(Own6, Peer6, 136, [0x60, 0, 0, 0, .. Own6.GetAddressBytes(), 2, 1, .. A])),
    };

    [Fact]
    [Trait("Category", "Vm")]
    public void ForgedFrames_ReachNobodyAndHonestOnesDo()
    {
        using var lab = new EgressLab();
        using var attacker = new FrameSocket(lab.A.Namespace, lab.A.Space.Route.Links.Get("eth0").Index);
        using var victim = new FrameSocket(lab.B.Namespace, lab.B.Space.Route.Links.Get("eth0").Index);

        // What is to be stopped does arrive where nothing stops it.
        var unguarded = Forged.Where(frame => !Arrives(attacker, victim, frame.Value, TimeSpan.FromSeconds(1))).Select(static frame => frame.Key);
        Assert.Empty(unguarded);

        lab.Nft.Commit(batch => lab.A.Port.Add(batch, lab.Guard, policy: null));
        foreach (var (name, frame) in Forged)
        {
            Assert.False(Arrives(attacker, victim, frame, TimeSpan.FromMilliseconds(50)), name);
        }

        foreach (var (name, frame) in Honest)
        {
            Assert.True(Arrives(attacker, victim, frame, TimeSpan.FromSeconds(1)), name);
        }

        Assert.True(lab.A.Port.CountSpoofed(lab.Nft, lab.Guard) >= (ulong)Forged.Count);
        lab.Nft.Commit(batch => lab.A.Port.Remove(batch, lab.Guard, hasPolicy: false, static _ => true));
        Assert.True(Arrives(attacker, victim, Forged["LLDP"], TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void Caches_OfPeersAndOfTheHostAreAsBefore()
    {
        using var lab = new EgressLab();
        lab.Serve(lab.Host.Namespace, IPAddress.Any, 80);
        lab.Serve(lab.Host.Namespace, IPAddress.IPv6Any, 81);
        Reached(lab.B.Namespace, Gateway, 80);
        Reached(lab.B.Namespace, Gateway6, 81);
        lab.Nft.Commit(batch => lab.A.Port.Add(batch, lab.Guard, policy: null));
        using var attacker = new FrameSocket(lab.A.Namespace, lab.A.Space.Route.Links.Get("eth0").Index);
        var before = Caches(lab);
        foreach (var frame in Forged.Values)
        {
            attacker.Send(frame);
        }

        using var victim = new FrameSocket(lab.B.Namespace, lab.B.Space.Route.Links.Get("eth0").Index);
        Assert.True(Arrives(attacker, victim, Honest["IPv4"], TimeSpan.FromSeconds(1)));
        Assert.Equal(before, Caches(lab));
        Reached(lab.B.Namespace, Gateway, 80);
        Assert.DoesNotContain("02:00:00:00:00:99", lab.Host.Run("bridge", "fdb", "show", "br", "br0"), StringComparison.Ordinal);
        Assert.DoesNotContain("proto ra", lab.B.Space.Run("ip", "-6", "route"), StringComparison.Ordinal);
    }

    [Fact]
    public void Ports_OfManyContainersStandBesideEachOther()
    {
        using var lab = new EgressLab();
        lab.Nft.Commit(batch =>
        {
            lab.A.Port.Add(batch, lab.Guard, policy: null);
            lab.B.Port.Add(batch, lab.Guard, policy: null);
        });
        lab.Serve(lab.B.Namespace, lab.B.Address, 80);
        lab.Serve(lab.B.Namespace, lab.B.Address6, 81);
        Reached(lab.A.Namespace, lab.B.Address, 80);
        Reached(lab.A.Namespace, lab.B.Address6, 81);
        Assert.Equal((0ul, 0ul), (lab.A.Port.CountSpoofed(lab.Nft, lab.Guard), lab.B.Port.CountSpoofed(lab.Nft, lab.Guard)));

        // One interface gone, its elements and chain are taken away all the same, and the other's stay.
        lab.Host.Route.Links.Delete(lab.Host.Route.Links.Get("cv-a").Index);
        GuardRemoval.Run(lab.Nft, lab.Guard, (batch, isThere) => lab.A.Port.Remove(batch, lab.Guard, hasPolicy: false, isThere));
        var shown = lab.Host.Run("nft", "list", "ruleset");
        Assert.DoesNotContain("cv-a", shown, StringComparison.Ordinal);
        Assert.Contains("from-cv-b", shown, StringComparison.Ordinal);
    }

    private static bool Arrives(FrameSocket from, FrameSocket to, byte[] frame, TimeSpan time)
    {
        // The bridge learns again where the victim is: that it forgets is part of the attack.
        to.Send(Ethernet(Everybody, B, Arp, ArpReply(B, Peer, Gateway, operation: 1)));
        from.Send(frame);

        // Tags are taken off before a socket sees the frame.
        const int Tag = 4;
        return to.Receives(frame.AsSpan(12, 2).SequenceEqual(Tagged) ? frame[(12 + Tag)..] : frame, time);
    }

    private static string[] Caches(EgressLab lab) =>
        [.. new[] { lab.B.Space, lab.Host }.SelectMany(static space => space.Route.Neighbours.List())
            .Where(static neighbour => neighbour.HardwareAddress is { } hardware && !(hardware.GetAddressBytes().AsSpan().SequenceEqual(A) && Equals(neighbour.Address, Own)) && neighbour.Address is not null && !neighbour.Address.ToString().StartsWith("ff", StringComparison.Ordinal))
            .Select(static neighbour => $"{neighbour.Index} {neighbour.Address} {neighbour.HardwareAddress}").Order(StringComparer.Ordinal)];
}
