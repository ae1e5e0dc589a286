using System.Net;
using System.Net.NetworkInformation;
using Containers.Netlink;
using Containers.Rtnetlink;

namespace Containers.Tests.Rtnetlink;

public class AddressAndRouteTests
{
    private const int ErrorExists = 17;
    private const int ErrorUnreachable = 101;

    [Fact]
    public void Address_OfBothFamiliesIsAddedListedAndDeleted()
    {
        using var host = TestNamespace.Create();
        var index = UpLink(host);
        var four = new InterfaceAddress(index, IPAddress.Parse("172.30.0.1"), 16) { Broadcast = IPAddress.Parse("172.30.255.255") };
        var six = new InterfaceAddress(index, IPAddress.Parse("fd00::1"), 64) { Flags = AddressFlags.NoDuplicateDetection };

        host.Route.Addresses.Add(four);
        host.Route.Addresses.Add(six);

        var listed = host.Route.Addresses.List(index);
        Assert.Contains(listed, address => address.Address.Equals(four.Address) && address.PrefixLength == 16 && address.Broadcast!.Equals(four.Broadcast));
        Assert.Contains(listed, address => address.Address.Equals(six.Address) && !address.Flags.HasFlag(AddressFlags.Tentative));
        Assert.Equal(ErrorExists, Assert.Throws<NetworkException>(() => host.Route.Addresses.Add(four)).ErrorNumber);

        host.Route.Addresses.Delete(four);
        host.Route.Addresses.Delete(six);
        Assert.DoesNotContain(host.Route.Addresses.List(), address => address.Address.Equals(four.Address) || address.Address.Equals(six.Address));
    }

    [Fact]
    public void Address_IsSeenByIpAsWritten()
    {
        using var host = TestNamespace.Create();
        var index = UpLink(host);
        host.Route.Addresses.Add(new InterfaceAddress(index, IPAddress.Parse("172.30.0.1"), 16) { Broadcast = IPAddress.Parse("172.30.255.255"), Label = "a:one" });
        host.Route.Addresses.Add(new InterfaceAddress(index, IPAddress.Parse("fd00::1"), 64) { Flags = AddressFlags.NoDuplicateDetection });
        var shown = host.Words("ip", "addr", "show", "dev", "a");
        Assert.Contains("inet 172.30.0.1/16 brd 172.30.255.255 scope global a:one", shown, StringComparison.Ordinal);
        Assert.Contains("inet6 fd00::1/64 scope global nodad", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void Route_DefaultOnLinkAndInAnotherTableAreAddedAndListed()
    {
        using var host = TestNamespace.Create();
        var index = UpLink(host);
        host.Route.Addresses.Add(new InterfaceAddress(index, IPAddress.Parse("172.30.0.2"), 16));
        host.Route.Addresses.Add(new InterfaceAddress(index, IPAddress.Parse("fd00::2"), 64) { Flags = AddressFlags.NoDuplicateDetection });

        host.Route.Routes.Add(Route.Default(IPAddress.Parse("172.30.0.1")));
        host.Route.Routes.Add(Route.Default(IPAddress.Parse("fd00::1"), index));
        host.Route.Routes.Add(new Route(IPNetwork.Parse("10.9.0.0/16")) { Gateway = IPAddress.Parse("192.0.2.1"), Interface = index, OnLink = true });
        host.Route.Routes.Add(new Route(IPNetwork.Parse("10.8.0.0/16")) { Interface = index, Table = 1000, Metric = 7 });

        var routes = host.Route.Routes.List();
        Assert.Contains(routes, static route => route is { IsDefault: true, Table: Route.MainTable } && IPAddress.Parse("172.30.0.1").Equals(route.Gateway));
        Assert.Contains(routes, static route => route.IsDefault && IPAddress.Parse("fd00::1").Equals(route.Gateway));
        Assert.Contains(routes, route => route.Destination == IPNetwork.Parse("10.8.0.0/16") && route is { Table: 1000, Metric: 7 } && route.Interface == index);
        Assert.Contains(routes, static route => route is { Type: RouteType.Local } && route.Destination == IPNetwork.Parse("172.30.0.2/32"));
        Assert.Contains(routes, static route => route.OnLink && route.Destination == IPNetwork.Parse("10.9.0.0/16"));

        host.Route.Routes.Delete(new Route(IPNetwork.Parse("10.8.0.0/16")) { Table = 1000 });
        Assert.DoesNotContain(host.Route.Routes.List(), static route => route.Table == 1000);
    }

    [Fact]
    public void Route_ThroughAGatewayOutOfReachIsRefusedWithTheReason()
    {
        using var host = TestNamespace.Create();
        UpLink(host);
        var exception = Assert.Throws<NetworkException>(() => host.Route.Routes.Add(Route.Default(IPAddress.Parse("203.0.113.1"))));
        Assert.Equal(ErrorUnreachable, exception.ErrorNumber);
        Assert.Equal("Nexthop has invalid gateway", exception.KernelMessage);
        Assert.Contains("add the route to 0.0.0.0/0 through 203.0.113.1: ENETUNREACH", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Route_OverSeveralHopsIsReadToo()
    {
        using var host = TestNamespace.Create();
        var index = UpLink(host);
        host.Run("ip", "addr", "add", "10.0.0.1/24", "dev", "a");
        host.Run("ip", "route", "add", "10.77.0.0/16", "nexthop", "via", "10.0.0.2", "nexthop", "via", "10.0.0.3");
        host.Run("ip", "route", "add", "blackhole", "10.78.0.0/16");
        Assert.Contains(host.Route.Routes.List(), route => route.Destination == IPNetwork.Parse("10.77.0.0/16") && route.Interface == index && IPAddress.Parse("10.0.0.2").Equals(route.Gateway));
        Assert.Contains(host.Route.Routes.List(), static route => route.Destination == IPNetwork.Parse("10.78.0.0/16") && route.Type == RouteType.Blackhole);
    }

    [Fact]
    public void Neighbour_IsAddedReplacedListedAndDeleted()
    {
        using var host = TestNamespace.Create();
        var index = UpLink(host);
        var address = IPAddress.Parse("172.30.0.9");
        var first = new Neighbour(index) { Address = address, HardwareAddress = PhysicalAddress.Parse("02-00-00-00-00-01") };
        var second = first with { HardwareAddress = PhysicalAddress.Parse("02-00-00-00-00-02") };

        host.Route.Neighbours.Add(first);
        Assert.Equal(ErrorExists, Assert.Throws<NetworkException>(() => host.Route.Neighbours.Add(second)).ErrorNumber);
        host.Route.Neighbours.Replace(second);

        var listed = Assert.Single(host.Route.Neighbours.List(index), neighbour => address.Equals(neighbour.Address));
        Assert.Equal(second.HardwareAddress, listed.HardwareAddress);
        Assert.Equal(NeighbourStates.Permanent, listed.State);
        host.Route.Neighbours.Delete(second);
        Assert.DoesNotContain(host.Route.Neighbours.List(index), neighbour => address.Equals(neighbour.Address) && neighbour.State == NeighbourStates.Permanent);
    }

    [Fact]
    public void ForwardingEntries_OfABridgePortAndOfVxlanPeersAreWritten()
    {
        using var host = TestNamespace.Create();
        host.Route.Links.Create(new BridgeLink("br0"));
        var bridge = host.Route.Links.Get("br0").Index;
        host.Route.Links.Create(new VethLink("port0", new VethLink("other0")) { Master = bridge });
        host.Route.Links.Create(new VxlanLink("vx0", 42) { Local = IPAddress.Parse("10.1.2.3") });
        var port = host.Route.Links.Get("port0").Index;
        var vxlan = host.Route.Links.Get("vx0").Index;
        var mac = PhysicalAddress.Parse("02-00-00-00-00-09");
        var everything = PhysicalAddress.Parse("00-00-00-00-00-00");

        host.Route.Neighbours.Add(Neighbour.AtPort(port, mac));
        host.Route.Neighbours.Append(Neighbour.AtHost(vxlan, everything, IPAddress.Parse("10.1.2.4")));
        host.Route.Neighbours.Append(Neighbour.AtHost(vxlan, everything, IPAddress.Parse("10.1.2.5")));

        Assert.Contains(host.Route.Neighbours.ListForwarding(port), entry => mac.Equals(entry.HardwareAddress) && entry.Master == bridge);
        Assert.Equal(2, host.Route.Neighbours.ListForwarding(vxlan).Count);
        var shown = host.Words("bridge", "fdb", "show");
        Assert.Contains("02:00:00:00:00:09 dev port0 sticky master br0 static", shown, StringComparison.Ordinal);
        Assert.Contains("00:00:00:00:00:00 dev vx0 dst 10.1.2.5 self permanent", shown, StringComparison.Ordinal);
        host.Route.Neighbours.Delete(Neighbour.AtHost(vxlan, everything, IPAddress.Parse("10.1.2.5")));
        Assert.Single(host.Route.Neighbours.ListForwarding(vxlan));
    }

    [Fact]
    public void KernelSettings_AreThoseOfTheNamespaceAndNotTheHosts()
    {
        using var host = TestNamespace.Create();
        UpLink(host);
        var name = KernelSettings.ForInterface("ipv4", "a", "rp_filter");
        var hostForwarding = File.ReadAllText("/proc/sys/net/ipv4/ip_forward").Trim();
        var other = hostForwarding == "1" ? "0" : "1";

        KernelSettings.Write(host.Namespace, (name, "1"), ("ipv4/ip_forward", other), ("ipv6/conf/a/disable_ipv6", "1"));

        Assert.Equal("1", KernelSettings.Read(host.Namespace, name));
        Assert.Equal(other, KernelSettings.Read(host.Namespace, "ipv4/ip_forward"));
        Assert.Equal("1", KernelSettings.Read(host.Namespace, "ipv6/conf/a/disable_ipv6"));
        Assert.Equal(hostForwarding, File.ReadAllText("/proc/sys/net/ipv4/ip_forward").Trim());
        Assert.False(File.Exists("/proc/sys/net/ipv4/conf/a"));
    }

    [Theory]
    [InlineData("../kernel/core_pattern")]
    [InlineData("ipv4/../../kernel/core_pattern")]
    [InlineData("/ipv4/ip_forward")]
    [InlineData("ipv4//ip_forward")]
    public void KernelSettings_ReachNothingElse(string name)
    {
        Assert.Throws<NetworkException>(() => KernelSettings.ReadHere(name));
    }

    private static int UpLink(TestNamespace host)
    {
        host.Route.Links.Create(new VethLink("a", new VethLink("b")) { Up = true });
        host.Route.Links.SetUp(host.Route.Links.Get("b").Index);
        return host.Route.Links.Get("a").Index;
    }
}
