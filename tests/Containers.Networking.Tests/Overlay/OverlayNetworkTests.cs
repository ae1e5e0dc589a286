using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Containers.Netlink;
using Containers.Networks;
using Containers.Tests.Networks;

namespace Containers.Tests.Overlay;

/// <summary>Networks across hosts: engines in processes and network namespaces of their own, on one wire.</summary>
public class OverlayNetworkTests
{
    private const int Id = 7001;

    [Theory]
    [InlineData(false, 1450)]
    [InlineData(true, 1430)]
    public async Task Containers_OnTwoHostsReachEachOther(bool over6, int mtu)
    {
        using var wire = new Wire(3);
        using var one = await OverlayHost.StartAsync(wire, 0, over6, 1);
        using var two = await OverlayHost.StartAsync(wire, 1, over6, 0);
        Assert.Equal(("10.99.1.0", "10.99.2.0"), (one.Gateway, two.Gateway));
        Assert.Equal(("10.99.1.1", "10.99.2.1"), (one.Address, two.Address));

        // TCP and ping of both families, both ways, and packets as large as can be.
        Assert.Equal("True host 2|", await one.ExecAsync($"busybox timeout 5 busybox wget -qO- http://{two.Address}/"));
        Assert.Equal("True host 1|", await two.ExecAsync($"busybox timeout 5 busybox wget -qO- http://[{one.Address6}]/"));
        Assert.StartsWith("True", await one.ExecAsync($"busybox ping -c 1 -W 3 -s {mtu - 28} {two.Address}"), StringComparison.Ordinal);
        Assert.StartsWith("True", await two.ExecAsync($"busybox ping -c 1 -W 3 -s {mtu - 48} {one.Address6}"), StringComparison.Ordinal);
        Assert.StartsWith("True", await one.ExecAsync($"busybox ping -c 1 -W 3 -s 4000 {two.Address}"), StringComparison.Ordinal);
        Assert.Equal("True 3000000|", await two.ExecAsync($"busybox timeout 10 busybox wget -qO- http://{one.Address}/large | busybox wc -c"));
        Assert.Contains($"mtu {mtu} ", await one.ExecAsync("busybox ip link show eth0"), StringComparison.Ordinal);

        // What the others' tools see.
        var link = wire.Hosts[0].Words("ip", "-d", "link", "show", one.Link);
        var (self, peer) = over6 ? (Wire.Outer6(0), Wire.Outer6(1)) : (Wire.Outer(0), Wire.Outer(1));
        Assert.Contains($"vxlan id {Id} local {self}", link, StringComparison.Ordinal);
        Assert.Contains("dstport 4789", link, StringComparison.Ordinal);
        Assert.Contains($"mtu {mtu} ", link, StringComparison.Ordinal);
        Assert.Contains("alias containers:" + one.State, link, StringComparison.Ordinal);
        Assert.Contains($"master {HostSide.BridgePrefix}", link, StringComparison.Ordinal);
        Assert.Contains($"00:00:00:00:00:00 dst {peer} self permanent", wire.Hosts[0].Run("bridge", "fdb", "show", "dev", one.Link), StringComparison.Ordinal);

        // Each host names its own, and publishes as ever; other networks stay apart.
        Assert.StartsWith("True", await one.ExecAsync("busybox nslookup host1"), StringComparison.Ordinal);
        Assert.StartsWith("False", await one.ExecAsync("busybox nslookup host2"), StringComparison.Ordinal);
        Assert.StartsWith("False", await one.AskAsync($"other busybox timeout 1 busybox wget -qO- http://{two.Address}/"), StringComparison.Ordinal);
        Assert.Equal("host 1\n", wire.Hosts[2].Run("curl", "-s", "-m", "3", $"http://{Wire.Outer(0)}:8080/"));
        Assert.Equal("host 2\n", wire.Hosts[2].Run("curl", "-s", "-m", "3", $"http://{Wire.Outer(1)}:8080/"));
    }

    [Fact]
    public async Task Peers_AreChangedWhileContainersRun()
    {
        using var wire = new Wire(3);
        using var one = await OverlayHost.StartAsync(wire, 0, over6: false, 1);
        using var two = await OverlayHost.StartAsync(wire, 1, over6: false, 0);
        using var three = await OverlayHost.StartAsync(wire, 2, over6: false, 0, 1);
        var get = $"busybox timeout 2 busybox wget -qO- http://{three.Address}/";
        Assert.StartsWith("False", await one.ExecAsync(get), StringComparison.Ordinal);

        Assert.StartsWith($"peers {Wire.Outer(1)} {Wire.Outer(2)} refused", await one.AskAsync($"peers {Wire.Outer(1)} {Wire.Outer(2)}"), StringComparison.Ordinal);

        // The kernel may just be about to give up asking who has that address.
        await Wait.UntilAsync(() => one.ExecAsync(get).Result == "True host 3|");
        Assert.StartsWith("False", await two.ExecAsync(get), StringComparison.Ordinal);

        await one.AskAsync($"peers {Wire.Outer(1)}");
        Assert.DoesNotContain($"dst {Wire.Outer(2)}", wire.Hosts[0].Run("bridge", "fdb", "show", "dev", one.Link), StringComparison.Ordinal);
        Assert.StartsWith("False", await one.ExecAsync(get), StringComparison.Ordinal);
        Assert.Equal("True host 2|", await one.ExecAsync($"busybox timeout 2 busybox wget -qO- http://{two.Address}/"));
    }

    [Fact]
    public async Task Strangers_SendNothingInAndAreCounted()
    {
        using var wire = new Wire(3);
        using var one = await OverlayHost.StartAsync(wire, 0, over6: false, 1);
        Assert.Equal($"peers {Wire.Outer(1)} refused 0", await one.AskAsync("inspect"));
        Send(wire, 2, 0x99);
        await Wait.UntilAsync(() => one.AskAsync("inspect").Result == $"peers {Wire.Outer(1)} refused 1");
        Assert.DoesNotContain("02:00:00:00:00:99", wire.Hosts[0].Run("bridge", "fdb", "show"), StringComparison.Ordinal);

        // The same from a peer's address is believed.
        Send(wire, 1, 0x77);
        await Wait.UntilAsync(() => wire.Hosts[0].Run("bridge", "fdb", "show", "dev", one.Link).Contains($"02:00:00:00:00:77 dst {Wire.Outer(1)}", StringComparison.Ordinal));
        Assert.Equal($"peers {Wire.Outer(1)} refused 1", await one.AskAsync("inspect"));
    }

    [Fact]
    public async Task Containers_DoNotSendIntoNetworksAcrossHostsByTheirOwnPackets()
    {
        await using var lab = new NetworkLab();
        using var peer = Machine.Create();
        await lab.Networks.CreateAsync("across", new NetworkOptions
        {
            Subnet = IPNetwork.Parse("10.94.0.0/16"),
            AddressRange = IPNetwork.Parse("10.94.1.0/24"),
            Overlay = new OverlayOptions { NetworkId = 7400, Local = peer.HostAddress, Peers = [peer.Address] },
        }, Box.Token);
        await lab.Networks.CreateAsync("friends", new NetworkOptions { AllowHost = true }, Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper.WithNetwork("friends"));
        using var inside = new NetworkNamespace(Interop.Libc.Duplicate(container.NamespaceOf(NamespaceKind.Network), Interop.Libc.FcntlDuplicateCloseOnExec, 0));
        using var socket = inside.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));

        // To the host itself, and to the peer, where it would come with the host's address.
        socket.SendTo(Packet(7400, 0x55), new IPEndPoint(peer.HostAddress, 4789));
        socket.SendTo(Packet(7400, 0x55), new IPEndPoint(peer.Address, 4789));
        await Wait.UntilAsync(() => lab.Networks.InspectAsync("across").Result.Overlay!.RefusedPackets == 2);
        Assert.DoesNotContain("02:00:00:00:00:55", Host.Run("bridge", "fdb", "show"), StringComparison.Ordinal);

        // Another network's packets are its own affair.
        using var receiver = peer.Space.Namespace.Run(() =>
        {
            var made = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 3000 };
            made.Bind(new IPEndPoint(peer.Address, 4789));
            return made;
        });
        socket.SendTo(Packet(7401, 0x55), new IPEndPoint(peer.Address, 4789));
        Assert.Equal(68, receiver.Receive(new byte[100]));
    }

    [Fact]
    public async Task HostKilled_LeavesNothingAfterTheNextEnginesStart()
    {
        using var wire = new Wire(2);
        using var two = await OverlayHost.StartAsync(wire, 1, over6: false, 0);
        var before = Links(wire.Hosts[0]);
        using (var dying = await OverlayHost.StartAsync(wire, 0, over6: false, 1))
        {
            dying.Kill();
        }

        Assert.Contains(HostSide.OverlayPrefix, Links(wire.Hosts[0]), StringComparison.Ordinal);

        // The same network can be had at once, so the dead one's interface is gone; and after an end in peace nothing is there.
        using (var next = await OverlayHost.StartAsync(wire, 0, over6: false, 1))
        {
            Assert.Equal("True host 2|", await next.ExecAsync($"busybox timeout 5 busybox wget -qO- http://{two.Address}/"));
            await next.EndAsync();
        }

        await Wait.UntilAsync(() => Links(wire.Hosts[0]) == before);
    }

    [Fact]
    public async Task Options_ThatCannotBeRightAreRefusedBeforeAnythingIsMade()
    {
        await using var lab = new NetworkLab();
        using var cable = Machine.Create();
        var good = new NetworkOptions
        {
            Subnet = IPNetwork.Parse("10.98.0.0/16"),
            AddressRange = IPNetwork.Parse("10.98.1.0/24"),
            Overlay = new OverlayOptions { NetworkId = 7100, Local = cable.HostAddress, Peers = [cable.Address] },
        };
        await RefusedAsync(good with { Subnet = null, AddressRange = null }, "needs Subnet and AddressRange");
        await RefusedAsync(good with { AddressRange = null }, "needs Subnet and AddressRange");
        await RefusedAsync(good with { IPv6 = true }, "needs Subnet6 and AddressRange6");
        await RefusedAsync(good with { Gateway = IPAddress.Parse("10.98.2.1") }, "10.98.2.1");
        await RefusedAsync(good with { AddressRange = IPNetwork.Parse("10.97.0.0/24") }, "10.97.0.0/24");
        await RefusedAsync(good with { AddressRange = IPNetwork.Parse("10.98.0.0/15") }, "10.98.0.0/15");
        await RefusedAsync(good with { AddressRange = IPNetwork.Parse("10.98.0.1/32") }, "10.98.0.1/32");
        await RefusedAsync(good with { Overlay = good.Overlay with { NetworkId = 0 } }, "1 to 16777215");
        await RefusedAsync(good with { Overlay = good.Overlay with { NetworkId = 1 << 24 } }, "1 to 16777215");
        await RefusedAsync(good with { Overlay = good.Overlay with { Port = 0 } }, "UDP port");
        await RefusedAsync(good with { Overlay = good.Overlay with { Local = IPAddress.Loopback } }, "127.0.0.1");
        await RefusedAsync(good with { Overlay = good.Overlay with { Peers = [cable.HostAddress] } }, "this host itself");
        await RefusedAsync(good with { Overlay = good.Overlay with { Peers = [cable.Address, cable.Address] } }, "named twice");
        await RefusedAsync(good with { Overlay = good.Overlay with { Peers = [cable.Address6] } }, "another family");
        await RefusedAsync(good with { Overlay = good.Overlay with { Peers = [IPAddress.Parse("224.0.0.1")] } }, "224.0.0.1");
        await RefusedAsync(good with { Overlay = good.Overlay with { Peers = [IPAddress.Parse("10.98.3.1")] } }, "own subnet");

        var elsewhere = await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.CreateAsync("bad", good with { Overlay = good.Overlay with { Local = IPAddress.Parse("192.0.2.200") } }, Box.Token));
        Assert.Contains("EADDRNOTAVAIL", elsewhere.Message, StringComparison.Ordinal);
        Assert.Null(lab.Networks.Firewall);

        // What another of this host has, ours or not.
        var mark = HostSide.MarkOf((await lab.Networks.CreateAsync("good", good, Box.Token)).Bridge!);
        var second = good with { Subnet = IPNetwork.Parse("10.97.0.0/16"), AddressRange = IPNetwork.Parse("10.97.1.0/24") };
        var (links, rules) = (Links(), Rules());
        Assert.Equal(2, links.Count);
        Assert.Contains("has this id and port", (await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.CreateAsync("bad", second, Box.Token))).Message, StringComparison.Ordinal);
        Assert.Equal(links, Links());
        Assert.Equal(rules, Rules());

        // Addresses of other hosts are theirs; peers that cannot be change nothing.
        Assert.Contains("10.98.1.0/24", (await Assert.ThrowsAsync<NetworkException>(() => lab.StartAsync(Box.Sleeper.WithNetwork("good", address: IPAddress.Parse("10.98.2.7"))))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>("peers", () => lab.Networks.SetPeersAsync("good", [cable.HostAddress], Box.Token));
        await lab.Networks.CreateAsync("alone", cancellationToken: Box.Token);
        Assert.Contains("no overlay network", (await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.SetPeersAsync("alone", [cable.Address], Box.Token))).Message, StringComparison.Ordinal);
        Assert.Equal([cable.Address], (await lab.Networks.InspectAsync("good", Box.Token)).Overlay!.Peers);

        await lab.Networks.RemoveAsync("good", Box.Token);
        Assert.DoesNotContain(Links(), static link => link.StartsWith(HostSide.OverlayPrefix, StringComparison.Ordinal));
        Assert.DoesNotContain("overlay-", Rules(), StringComparison.Ordinal);

        List<string> Links() => [.. lab.Host.Links.List().Select(static link => link.Name).Where(name => HostSide.MarkOf(name) == mark)];

        string Rules() => Host.Run("nft", "list", "table", "inet", lab.Networks.Firewall!.Table.Name);

        async Task RefusedAsync(NetworkOptions options, string reason)
        {
            var refused = await Assert.ThrowsAsync<ArgumentException>("options", () => lab.Networks.CreateAsync("bad", options, Box.Token));
            Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Mtu_IsWhatTheWayToThePeersHas()
    {
        await using var lab = new NetworkLab();
        using var cable = Machine.Create();
        Host.Run("ip", "link", "set", cable.Cable, "mtu", "1400");
        var options = new NetworkOptions
        {
            Subnet = IPNetwork.Parse("10.96.0.0/16"),
            AddressRange = IPNetwork.Parse("10.96.1.0/24"),
            Overlay = new OverlayOptions { NetworkId = 7200, Local = cable.HostAddress, Peers = [cable.Address] },
        };
        Assert.Equal(1350, (await lab.Networks.CreateAsync("narrow", options, Box.Token)).Mtu);
        await lab.Networks.RemoveAsync("narrow", Box.Token);
        Host.Run("ip", "link", "set", cable.Cable, "mtu", "1300");
        var six = options with { IPv6 = true, Subnet6 = IPNetwork.Parse("fd00:96::/64"), AddressRange6 = IPNetwork.Parse("fd00:96::/80") };
        var narrow = await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.CreateAsync("narrow", six, Box.Token));
        Assert.Contains("packets of 1250 bytes, and it needs 1280", narrow.Message, StringComparison.Ordinal);
    }

    private static void Send(Wire wire, int from, byte sender)
    {
        using var socket = wire.Datagrams(from, new IPEndPoint(Wire.Outer(from), 0));
        socket.SendTo(Packet(Id, sender), new IPEndPoint(Wire.Outer(0), 4789));
    }

    /// <summary>A frame to everybody in the network, from a hardware address that ends with this.</summary>
    private static byte[] Packet(int id, byte sender)
    {
        var packet = new byte[8 + 60];
        packet[0] = 0x08; // The id is valid (RFC 7348, section 5).
        BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(4), id << 8);
        packet.AsSpan(8, 6).Fill(0xff);
        packet[14] = 0x02;
        packet[19] = sender;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(20), 0x88b5); // For experiments.
        return packet;
    }

    private static string Links(TestNamespace host) => string.Join(' ', host.Route.Links.List().Select(static link => link.Name).Order(StringComparer.Ordinal));

    private sealed class OverlayHost : IDisposable
    {
        private readonly TestDirectory _state = new();
        private readonly NetworkHost _host;

        private OverlayHost(TestNamespace space, string what) => _host = NetworkHost.Start(space, State, what);

        public string State => _state.Path + "/state";

        public string Address { get; private set; } = "";

        public string Address6 { get; private set; } = "";

        public string Gateway { get; private set; } = "";

        /// <summary>The port to the others.</summary>
        public string Link { get; private set; } = "";

        public static async Task<OverlayHost> StartAsync(Wire wire, int number, bool over6, params int[] peers)
        {
            Func<int, IPAddress> outer = over6 ? Wire.Outer6 : Wire.Outer;
            var host = new OverlayHost(wire.Hosts[number], $"overlay:{Id},{number + 1},{outer(number)},{string.Join('+', peers.Select(outer))}");
            var said = (await host._host.ReadLineAsync()).Split(' ');
            (host.Address, host.Address6, host.Gateway) = (said[0], said[1], said[2]);
            host.Link = wire.Hosts[number].Route.Links.List().Last(static link => link.Name.StartsWith(HostSide.OverlayPrefix, StringComparison.Ordinal)).Name;
            return host;
        }

        public Task<string> ExecAsync(string script) => _host.AskAsync("exec " + script);

        public Task<string> AskAsync(string line) => _host.AskAsync(line);

        public Task EndAsync() => _host.EndAsync();

        public void Kill() => _host.Kill();

        public void Dispose()
        {
            _host.Dispose();
            _state.Dispose();
        }
    }
}
