using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Containers.Nftables;
using Containers.Overlay;
using Containers.Rtnetlink;
using Containers.Tests.Egress;

namespace Containers.Tests.Overlay;

/// <summary>Hosts, each a network namespace with a bridge, on one wire.</summary>
public class OverlayLinkTests
{
    private const uint Id = 4711;
    private const int Mtu = 1450;

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
    public void Peers_ComeAndGo()
    {
        using var wire = new Wire(3);
        var links = wire.Join(Id, 0, 1);
        wire.Join(Id, only: 2, peers: [0]);
        using var server = new EgressServers(wire.Hosts[2].Namespace, Wire.Inner(2), 80);
        Assert.NotEqual(SocketError.Success, EgressLab.Connect(wire.Hosts[0].Namespace, Wire.Inner(2), 80).Error);
        links[0].AddPeer(Wire.Outer(2));
        Assert.Equal(SocketError.Success, EgressLab.Connect(wire.Hosts[0].Namespace, Wire.Inner(2), 80).Error);
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
            Wire.Options(Id, 0, [1]).AddGuard(batch, input);
        });
        stranger.SendTo([2], new IPEndPoint(Wire.Inner(0), 5000));
        Assert.Throws<SocketException>(() => receiver.Receive(new byte[1]));
        Assert.True(nft.ListRules(input)[0].Counter!.Value.Packets > 0);

        using var peer = wire.Datagrams(1);
        peer.SendTo([3], new IPEndPoint(Wire.Inner(0), 5000));
        receiver.ReceiveTimeout = 3000;
        Assert.Equal(1, receiver.Receive(new byte[1]));
    }

    [Fact]
    public void WrongPeers_AreRefusedAndNothingIsMade()
    {
        using var wire = new Wire(1);
        var options = Wire.Options(Id, 0, [1]);
        foreach (var wrong in new[] { options with { NetworkId = 1 << 24 }, options with { Peers = [Wire.Outer(0)] }, options with { Peers = [Wire.Outer(1), Wire.Outer(1)] }, options with { Peers = [IPAddress.IPv6Loopback] } })
        {
            Assert.Throws<NetworkException>(() => OverlayLink.Create(wire.Hosts[0].Route, "ov0", 0, Mtu, wrong));
        }

        Assert.Null(wire.Hosts[0].Route.Links.Find("ov0"));
    }

    private sealed class Wire : IDisposable
    {
        private readonly TestNamespace _switch = TestNamespace.Create();

        public Wire(int count)
        {
            _switch.Route.Links.Create(new BridgeLink("wire") { Up = true });
            Hosts = [.. Enumerable.Range(0, count).Select(Add)];
        }

        public ImmutableArray<TestNamespace> Hosts { get; }

        public static IPAddress Outer(int number) => new([192, 0, 2, (byte)(number + 1)]);

        public static IPAddress Inner(int number) => new([10, 8, 0, (byte)(number + 1)]);

        public static OverlayOptions Options(uint id, int host, int[] peers) => new(id, Outer(host), [.. peers.Select(Outer)]);

        /// <summary>Hosts that all know each other.</summary>
        public List<OverlayLink> Join(uint id, params int[] hosts) => [.. hosts.Select(host => Join(id, host, [.. hosts.Where(other => other != host)]))];

        public OverlayLink Join(uint id, int only, int[] peers)
        {
            var route = Hosts[only].Route;
            return OverlayLink.Create(route, "ov0", route.Links.Get("br0").Index, OverlayLink.MtuOf(1500, Outer(only)), Options(id, only, peers));
        }

        public Socket Datagrams(int host) => Hosts[host].Namespace.Run(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(Inner(host), 5000));
            return socket;
        });

        public void Dispose()
        {
            foreach (var host in Hosts)
            {
                host.Dispose();
            }

            _switch.Dispose();
        }

        private TestNamespace Add(int number)
        {
            var host = TestNamespace.Create();
            _switch.Route.Links.Create(new VethLink($"port{number}", new VethLink("eth0") { Namespace = host.Namespace }) { Up = true, Master = _switch.Route.Links.Get("wire").Index });
            var eth0 = host.Route.Links.Get("eth0").Index;
            EgressLab.Add(host, eth0, Outer(number), 24);
            host.Route.Links.SetUp(eth0);
            host.Route.Links.Create(new BridgeLink("br0") { Up = true, Mtu = Mtu });
            EgressLab.Add(host, host.Route.Links.Get("br0").Index, Inner(number), 24);
            return host;
        }
    }
}
