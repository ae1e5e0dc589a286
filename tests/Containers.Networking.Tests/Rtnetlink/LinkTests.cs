using System.Net.NetworkInformation;
using Containers.Rtnetlink;

namespace Containers.Tests.Rtnetlink;

public class LinkTests
{
    private const int ErrorExists = 17;
    private const int ErrorNotSupported = 95;
    private const int ErrorNoDevice = 19;

    [Fact]
    public void Veth_IsMadeWithItsPeerInAnotherNamespaceInOneStep()
    {
        using var host = TestNamespace.Create();
        using var container = TestNamespace.Create();
        var mac = PhysicalAddress.Parse("02-42-AC-11-00-02");

        host.Route.Links.Create(new VethLink("veth0", new VethLink("eth0") { Namespace = container.Namespace, HardwareAddress = mac, Mtu = 1400 }) { Up = true });
        container.Route.Links.SetUp(container.Route.Links.Get("eth0").Index);

        var outer = host.Route.Links.Get("veth0");
        var inner = container.Route.Links.Get("eth0");
        Assert.Equal("veth", outer.Kind);
        Assert.True(outer.IsUp);
        Assert.True(inner.IsUp);
        Assert.Equal(mac, inner.HardwareAddress);
        Assert.Equal(1400, inner.Mtu);
        Assert.Equal(inner.Index, outer.Peer);
        Assert.Equal(host.Route.NamespaceIds.Find(container.Namespace), outer.PeerNamespaceId);
        Assert.NotNull(inner.Statistics);
        Assert.Null(host.Route.Links.Find("eth0"));
    }

    [Fact]
    public void Veth_IsGoneWhenTheOtherNamespaceIs()
    {
        using var host = TestNamespace.Create();
        using (var container = TestNamespace.Create())
        {
            host.Route.Links.Create(new VethLink("veth0", new VethLink("eth0") { Namespace = container.Namespace }));
        }

        // The kernel takes namespaces down in a worker of its own.
        Assert.True(SpinWait.SpinUntil(() => host.Route.Links.Find("veth0") is null, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void Bridge_HasTheOptionsAskedForAndItsPorts()
    {
        using var host = TestNamespace.Create();
        host.Route.Links.Create(new BridgeLink("br0") { MulticastSnooping = false, GroupForwardMask = 0x4000, Up = true });
        var bridge = host.Route.Links.Get("br0");
        host.Route.Links.Create(new VethLink("port0", new VethLink("other0")) { Master = bridge.Index, Up = true });

        Assert.Equal("bridge", bridge.Kind);
        Assert.Equal("port0", Assert.Single(host.Route.Links.List(bridge.Index)).Name);
        var detail = host.Words("ip", "-d", "link", "show", "br0");
        Assert.Contains("stp_state 0", detail, StringComparison.Ordinal);
        Assert.Contains("vlan_filtering 0", detail, StringComparison.Ordinal);
        Assert.Contains("mcast_snooping 0", detail, StringComparison.Ordinal);
        Assert.Contains("group_fwd_mask 0x4000", detail, StringComparison.Ordinal);
    }

    [Fact]
    public void BridgePort_IsIsolatedAndGuardedAsAskedFor()
    {
        using var host = TestNamespace.Create();
        host.Route.Links.Create(new BridgeLink("br0"));
        host.Route.Links.Create(new VethLink("port0", new VethLink("other0")) { Master = host.Route.Links.Get("br0").Index });
        var port = host.Route.Links.Get("port0");
        Assert.False(port.Port!.Isolated);

        host.Route.Links.SetPort(port.Index, new BridgePort { Isolated = true, Learning = false, Hairpin = true, Guard = true, UnicastFlood = false });

        var settings = host.Route.Links.Get("port0").Port!;
        Assert.Equal((true, false, true, true, false, true), (settings.Isolated, settings.Learning, settings.Hairpin, settings.Guard, settings.UnicastFlood, settings.BroadcastFlood));
        var shown = host.Words("bridge", "-d", "link", "show", "dev", "port0");
        Assert.Contains("isolated on", shown, StringComparison.Ordinal);
        Assert.Contains("learning off", shown, StringComparison.Ordinal);
        Assert.Contains("hairpin on", shown, StringComparison.Ordinal);
        Assert.Contains("guard on", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void Vxlan_HasItsNumberPortAndAddress()
    {
        using var host = TestNamespace.Create();
        Create(host, new VxlanLink("vx0", 42) { Local = System.Net.IPAddress.Parse("10.1.2.3") });
        var shown = host.Words("ip", "-d", "link", "show", "vx0");
        Assert.Contains("vxlan id 42 local 10.1.2.3", shown, StringComparison.Ordinal);
        Assert.Contains("dstport 4789 nolearning", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void Link_CanBeRenamedResizedReaddressedAndMoved()
    {
        using var host = TestNamespace.Create();
        using var container = TestNamespace.Create();
        host.Route.Links.Create(new VethLink("a", new VethLink("b")));
        var link = host.Route.Links.Get("a");
        var mac = PhysicalAddress.Parse("02-00-00-00-00-07");

        host.Route.Links.Rename(link.Index, "renamed");
        host.Route.Links.SetMtu(link.Index, 1300);
        host.Route.Links.SetHardwareAddress(link.Index, mac);
        host.Route.Links.SetAlias(link.Index, "ours");
        host.Route.Links.SetUp(link.Index);

        var changed = host.Route.Links.Find(link.Index)!;
        Assert.Equal(("renamed", 1300, mac, "ours", true), (changed.Name, changed.Mtu, changed.HardwareAddress, changed.Alias, changed.IsUp));
        host.Route.Links.SetDown(link.Index);
        Assert.False(host.Route.Links.Get("renamed").IsUp);

        host.Route.Links.Move(link.Index, container.Namespace, "eth0");
        Assert.Null(host.Route.Links.Find("renamed"));
        Assert.Equal(mac, container.Route.Links.Get("eth0").HardwareAddress);
    }

    [Fact]
    public void Delete_TakesBothEndsOfAVeth_AndSaysWhereThereIsNone()
    {
        using var host = TestNamespace.Create();
        host.Route.Links.Create(new VethLink("a", new VethLink("b")));
        Assert.True(host.Route.Links.TryDelete("b"));
        Assert.Null(host.Route.Links.Find("a"));
        Assert.False(host.Route.Links.TryDelete("a"));
        Assert.Equal(ErrorNoDevice, Assert.Throws<NetworkException>(() => host.Route.Links.Delete(4711)).ErrorNumber);
    }

    [Fact]
    public void Create_SaysThatTheNameIsTaken()
    {
        using var host = TestNamespace.Create();
        host.Route.Links.Create(new BridgeLink("br0"));
        var exception = Assert.Throws<NetworkException>(() => host.Route.Links.Create(new BridgeLink("br0")));
        Assert.Equal(ErrorExists, exception.ErrorNumber);
        Assert.Contains("create the bridge interface br0: EEXIST", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_LeavesNothingWhereThePeerCannotBeMade()
    {
        using var host = TestNamespace.Create();
        using var container = TestNamespace.Create();
        container.Route.Links.Create(new BridgeLink("eth0"));
        Assert.Equal(ErrorExists, Assert.Throws<NetworkException>(() =>
            host.Route.Links.Create(new VethLink("veth0", new VethLink("eth0") { Namespace = container.Namespace }))).ErrorNumber);
        Assert.Null(host.Route.Links.Find("veth0"));
    }

    [Fact]
    public void Create_RepeatsTheKernelsWordsAndTheAttributeItMeans()
    {
        using var host = TestNamespace.Create();
        var unknown = Assert.Throws<NetworkException>(() => host.Route.Links.Create(new NoSuchLink("x0")));
        Assert.Equal(ErrorNotSupported, unknown.ErrorNumber);
        Assert.Equal("Unknown device type", unknown.KernelMessage);
        Assert.Contains("CONFIG_NOSUCHKIND", unknown.Message, StringComparison.Ordinal);

        host.Route.Links.Create(new BridgeLink("br0"));
        var mtu = Assert.Throws<NetworkException>(() => host.Route.Links.SetMtu(host.Route.Links.Get("br0").Index, 10));
        Assert.Equal("mtu less than device minimum", mtu.KernelMessage);
    }

    [Theory]
    [InlineData("")]
    [InlineData("sixteen-letters-")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("a:b")]
    [InlineData("veth%d")]
    [InlineData("..")]
    [InlineData("all")]
    [InlineData("äääääääää")]
    public void Name_ThatCannotBeOneIsRefusedBeforeTheKernelSeesIt(string name)
    {
        Assert.Contains("name an interface", Assert.Throws<NetworkException>(() => Containers.Netlink.InterfaceName.Check(name)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ManyLinks_CanBeMadeAtOnceOverSeveralSocketsAndListedMeanwhile()
    {
        const int Count = 64;
        using var host = TestNamespace.Create();
        using var container = TestNamespace.Create();
        host.Route.Links.Create(new BridgeLink("br0"));
        var bridge = host.Route.Links.Get("br0").Index;
        using var second = RouteClient.Open(host.Namespace);

        Parallel.For(0, Count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
        {
            var client = i % 2 == 0 ? host.Route : second;
            client.Links.Create(new VethLink($"v{i}", new VethLink($"e{i}") { Namespace = container.Namespace }) { Master = bridge, Up = true });
            Assert.Contains(client.Links.List(), link => link.Name == $"v{i}");
        });

        Assert.Equal(Count, host.Route.Links.List(bridge).Count);
        Assert.Equal(Count, container.Route.Links.List().Count(static link => link.Kind == "veth"));
    }

    private static void Create(TestNamespace host, LinkSpec spec)
    {
        try
        {
            host.Route.Links.Create(spec);
        }
        catch (NetworkException exception) when (exception.KernelMessage == "Unknown device type")
        {
            Assert.Skip(exception.Message);
        }
    }

    private sealed record NoSuchLink(string Name) : LinkSpec(Name)
    {
        public override string Kind => "nosuchkind";
    }
}
