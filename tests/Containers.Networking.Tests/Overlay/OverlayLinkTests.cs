using System.Net;
using System.Net.Sockets;
using Containers.Nftables;
using Containers.Overlay;
using Containers.Rtnetlink;
using Containers.Tests.Egress;
using Containers.Tests.Networks;

namespace Containers.Tests.Overlay;

/// <summary>Hosts, each a network namespace with a bridge, on one wire.</summary>
public class OverlayLinkTests
{
    private const int Id = 4711;
    private const int Mtu = Wire.Mtu;

    [Fact]
    public void TwoHosts_ShareOneNetwork()
    {
        using var wire = new Wire(2);
        var links = wire.Join(Id, 0, 1);
        using var server = new EgressServers(wire.Hosts[1].Namespace, Wire.Inner(1), 80);
        Assert.Equal(SocketError.Success, EgressLab.Connect(wire.Hosts[0].Namespace, Wire.Inner(1), 80).Error);
        using var large = wire.Datagrams(0);
        using var receiver = wire.Datagrams(1);
        large.DontFragment = true;
        receiver.ReceiveTimeout = 3000;
        large.SendTo(new byte[Mtu - 28], new IPEndPoint(Wire.Inner(1), 5000));
        Assert.Equal(Mtu - 28, receiver.Receive(new byte[Mtu]));

        Assert.Contains($"vxlan id {Id} local 192.0.2.1", wire.Hosts[0].Words("ip", "-d", "link", "show", "ov0"), StringComparison.Ordinal);
        Assert.Contains("dstport 4789", wire.Hosts[0].Words("ip", "-d", "link", "show", "ov0"), StringComparison.Ordinal);
        Assert.Contains("00:00:00:00:00:00 dst 192.0.2.2 self permanent", wire.Hosts[0].Run("bridge", "fdb", "show", "dev", "ov0"), StringComparison.Ordinal);
        Assert.Equal([Wire.Outer(1)], links[0].Peers);
    }

    [Fact]
    public async Task Peers_ComeAndGo()
    {
        using var wire = new Wire(3);
        var links = wire.Join(Id, 0, 1);
        wire.Join(Id, only: 2, peers: [0]);
        using var server = new EgressServers(wire.Hosts[2].Namespace, Wire.Inner(2), 80);
        Assert.NotEqual(SocketError.Success, EgressLab.Connect(wire.Hosts[0].Namespace, Wire.Inner(2), 80).Error);
        links[0].AddPeer(Wire.Outer(2));

        // The kernel may just be about to give up asking who has that address.
        await Wait.UntilAsync(() => EgressLab.Connect(wire.Hosts[0].Namespace, Wire.Inner(2), 80).Error == SocketError.Success);
        Assert.Equal([Wire.Outer(1), Wire.Outer(2)], links[0].Peers.OrderBy(static peer => peer.ToString(), StringComparer.Ordinal));
        links[0].RemovePeer(Wire.Outer(2));
        Assert.DoesNotContain("00:00:00:00:00:00 dst 192.0.2.3", wire.Hosts[0].Run("bridge", "fdb", "show", "dev", "ov0"), StringComparison.Ordinal);
        Assert.Equal([Wire.Outer(1)], links[0].Peers);
    }

    [Fact]
    public void HostThatIsNoPeer_SendsNothingIn()
    {
        using var wire = new Wire(3);
        wire.Join(Id, 0, 1);
        using var receiver = wire.Datagrams(0);
        receiver.ReceiveTimeout = 300;

        // The stranger claims to be in the network, and the kernel would believe it.
        wire.Join(Id, only: 2, peers: [0]);
        using var stranger = wire.Datagrams(2);
        wire.Hosts[2].Run("ip", "neigh", "add", Wire.Inner(0).ToString(), "lladdr", wire.Hosts[0].Route.Links.Get("br0").HardwareAddress.ToString().Chunk(2).Select(static pair => new string(pair)).Aggregate(static (all, pair) => all + ":" + pair), "dev", "br0");
        stranger.SendTo([1], new IPEndPoint(Wire.Inner(0), 5000));
        Assert.Equal(1, receiver.Receive(new byte[1]));

        using var nft = NftablesClient.Open(wire.Hosts[0].Namespace);
        var table = new Table(NftFamily.Inet, "t");
        var input = new Chain(table, "input") { Hook = new Hook(HookPoint.Input, 0) };
        nft.Commit(batch =>
        {
            batch.AddTable(table);
            batch.AddChain(input);
            new OverlayGuard(Wire.Options(Id, 0, [1]), "br0", input).Add(batch, [Wire.Outer(1)]);
        });
        stranger.SendTo([2], new IPEndPoint(Wire.Inner(0), 5000));
        Assert.Throws<SocketException>(() => receiver.Receive(new byte[1]));
        Assert.True(new OverlayGuard(Wire.Options(Id, 0, [1]), "br0", input).Refused(nft) > 0);

        using var peer = wire.Datagrams(1);
        peer.SendTo([3], new IPEndPoint(Wire.Inner(0), 5000));
        receiver.ReceiveTimeout = 3000;
        Assert.Equal(1, receiver.Receive(new byte[1]));
    }

    [Fact]
    public void Id_ThatAnotherInterfaceHasIsRefusedAndNothingIsMade()
    {
        using var wire = new Wire(1);
        wire.Hosts[0].Run("ip", "link", "add", "foreign", "type", "vxlan", "id", "4711", "dstport", "4789", "local", "192.0.2.1");
        var refused = Assert.Throws<NetworkException>(() => wire.Join(Id, only: 0, peers: [1]));
        Assert.Contains("Another VXLAN interface of this host has this id and port", refused.Message, StringComparison.Ordinal);
        Assert.Null(wire.Hosts[0].Route.Links.Find("ov0"));
    }
}
