using System.Net;
using Containers.Rtnetlink;

namespace Containers.Tests.Networks;

/// <summary>Who cannot reach whom.</summary>
public class IsolationTests
{
    private const string Get = "timeout 2 wget -qO- http://";

    [Fact]
    public async Task Containers_OfTwoNetworksDoNotReachEachOther()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("red", cancellationToken: Box.Token);
        var blue = await lab.Networks.CreateAsync("blue", cancellationToken: Box.Token);
        await using var one = await lab.StartAsync(Box.Web("one").WithNetwork("red"));
        await using var two = await lab.StartAsync(Box.Web("two").WithNetwork("blue"));
        await using var both = await lab.StartAsync(Box.Sleeper.WithNetwork("red").WithNetwork("blue"));

        Assert.Equal("one\n", await Box.InAsync(both, Get + one.Networks[0].Address));
        Assert.Equal("two\n", await Box.InAsync(both, Get + two.Networks[0].Address));
        Assert.False(await Box.SucceedsInAsync(one, Get + two.Networks[0].Address));
        Assert.False(await Box.SucceedsInAsync(two, Get + one.Networks[0].Address));
        Assert.False(await Box.SucceedsInAsync(one, Get + blue.Gateway));
        Assert.Contains("eth1", await Box.InAsync(both, "ip link"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Containers_OfTwoEnginesDoNotReachEachOther()
    {
        await using var lab = new NetworkLab();
        await using var other = new NetworkLab();
        await using var one = await lab.StartAsync(Box.Web("one").WithNetwork("bridge"));
        await using var two = await other.StartAsync(Box.Web("two").WithNetwork("bridge"));
        Assert.False(await Box.SucceedsInAsync(one, Get + two.Networks[0].Address));
        Assert.False(await Box.SucceedsInAsync(two, Get + one.Networks[0].Address));
    }

    [Fact]
    public async Task OtherMachines_DoNotReachContainersThatTheyRouteTo()
    {
        await using var lab = new NetworkLab();
        using var neighbour = Machine.Create();
        await using var web = await lab.StartAsync(Box.Web("web").WithNetwork((await lab.Networks.CreateAsync("lan", new NetworkOptions { IPv6 = true }, Box.Token)).Name));
        var place = web.Networks[0];

        // The default route of the neighbour leads to the host, as if it had a route to the subnet.
        Assert.ThrowsAny<Exception>(() => neighbour.Run("curl", "-s", "-m", "1", $"http://{place.Address}/"));
        Assert.ThrowsAny<Exception>(() => neighbour.Run("curl", "-s", "-m", "1", $"http://[{place.Address6}]/"));
        var dropped = Host.Run("nft", "list", "chain", "inet", lab.Networks.Firewall!.Table.Name, "raw-prerouting").Split('\n').Where(static rule => rule.Contains("@subnets", StringComparison.Ordinal));
        Assert.All(dropped, static rule => Assert.Matches("counter packets [1-9]", rule));
        Assert.Equal(2, dropped.Count());
        Assert.Equal("web\n", Host.Run("curl", "-s", "-m", "2", $"http://{place.Address}/"));
        Assert.Equal("web\n", Host.Run("curl", "-s", "-m", "2", $"http://[{place.Address6}]/"));
    }

    [Fact]
    public async Task ServicesOfTheHost_AreReachedOnlyFromNetworksThatAllowIt()
    {
        await using var lab = new NetworkLab();
        using var neighbour = Machine.Create();
        var closed = await lab.Networks.CreateAsync("closed", new NetworkOptions { IPv6 = true }, Box.Token);
        var open = await lab.Networks.CreateAsync("open", new NetworkOptions { IPv6 = true, AllowHost = true }, Box.Token);
        await using var stranger = await lab.StartAsync(Box.Sleeper.WithNetwork("closed"));
        await using var friend = await lab.StartAsync(Box.Sleeper.WithNetwork("open"));
        using var service = new TinyServer();

        foreach (var address in new[] { closed.Gateway!, open.Gateway!, neighbour.HostAddress, closed.Gateway6!, neighbour.HostAddress6 })
        {
            Assert.False(await Box.SucceedsInAsync(stranger, service.GetFrom(address)), address.ToString());
        }

        foreach (var address in new[] { open.Gateway!, neighbour.HostAddress, open.Gateway6! })
        {
            Assert.Contains(TinyServer.Answer, await Box.InAsync(friend, service.GetFrom(address)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ServicesOfTheHostsCloud_AreReachedOnlyFromNetworksThatAllowIt()
    {
        await using var lab = new NetworkLab();
        using var cloud = Machine.Create();
        cloud.Run("ip", "addr", "add", "169.254.169.254/32", "dev", "lo");
        Host.Run("ip", "route", "add", "169.254.169.254/32", "via", cloud.Address.ToString());
        try
        {
            using var service = new TinyServer(cloud.Space);
            var metadata = IPAddress.Parse("169.254.169.254");
            await lab.Networks.CreateAsync("open", new NetworkOptions { AllowHost = true }, Box.Token);
            await using var stranger = await lab.StartAsync(Box.Sleeper.WithNetwork("bridge"));
            await using var friend = await lab.StartAsync(Box.Sleeper.WithNetwork("open"));
            Assert.False(await Box.SucceedsInAsync(stranger, service.GetFrom(metadata)));
            Assert.StartsWith(TinyServer.Answer, await Box.InAsync(friend, service.GetFrom(metadata)), StringComparison.Ordinal);
        }
        finally
        {
            Host.Run("ip", "route", "delete", "169.254.169.254/32");
        }
    }

    [Fact]
    public async Task InternalNetwork_HasNoWayOutAndNoneIn()
    {
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        using var service = new TinyServer(outside.Space);
        using var local = new TinyServer();
        var inside = await lab.Networks.CreateAsync("inside", new NetworkOptions { Internal = true, IPv6 = true }, Box.Token);
        await using var one = await lab.StartAsync(Box.Web("one").WithNetwork("inside"));
        await using var two = await lab.StartAsync(Box.Sleeper.WithNetwork("inside").WithCapability(Capability.NetRaw).WithCapability(Capability.NetAdmin));

        Assert.Equal("one\n", await Box.InAsync(two, Get + one.Networks[0].Address));
        Assert.DoesNotContain("default", await Box.InAsync(two, "ip route; ip -6 route"), StringComparison.Ordinal);
        Assert.Equal($"nameserver {inside.Gateway}\n", await Box.InAsync(two, "grep nameserver /etc/resolv.conf"));

        // Also where it makes itself a route.
        await Box.InAsync(two, $"ip route add default via {inside.Gateway}");
        Assert.False(await Box.SucceedsInAsync(two, service.GetFrom(outside.Address)));
        Assert.False(await Box.SucceedsInAsync(two, local.GetFrom(inside.Gateway!)));
        Assert.False(await Box.SucceedsInAsync(two, $"ping -c 1 -W 1 {inside.Gateway}"));
        Assert.False(await Box.SucceedsInAsync(two, $"ping -c 1 -W 1 {outside.Address}"));
        Assert.ThrowsAny<Exception>(() => outside.Run("curl", "-s", "-m", "1", $"http://{one.Networks[0].Address}/"));
    }

    [Fact]
    public async Task WithoutIPv6_ThereIsNoneOnTheBridgeAndInTheContainer()
    {
        await using var lab = new NetworkLab();
        var four = await lab.Networks.CreateAsync("four", cancellationToken: Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper.WithNetwork("four"));
        Assert.DoesNotContain("inet6", Host.Run("ip", "addr", "show", four.Bridge!), StringComparison.Ordinal);
        Assert.DoesNotContain("inet6", await Box.InAsync(container, "ip addr show eth0"), StringComparison.Ordinal);
        Assert.Equal("1\n0\n", await Box.InAsync(container, "cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6 /proc/sys/net/ipv6/conf/eth0/accept_ra"));
    }

    [Fact]
    public async Task Rules_StayWhereSomebodyFlushesAllOthers()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("red", cancellationToken: Box.Token);
        await lab.Networks.CreateAsync("blue", cancellationToken: Box.Token);
        await using var one = await lab.StartAsync(Box.Web("one").WithNetwork("red"));
        await using var two = await lab.StartAsync(Box.Sleeper.WithNetwork("blue"));
        Host.Run("nft", "add table inet somebody");
        Host.Run("nft", "flush", "ruleset");
        Assert.DoesNotContain("somebody", Host.Run("nft", "list", "tables"), StringComparison.Ordinal);
        Assert.False(await Box.SucceedsInAsync(two, Get + one.Networks[0].Address));
        await using var third = await lab.StartAsync(Box.Sleeper.WithNetwork("red"));
        Assert.Equal("one\n", await Box.InAsync(third, Get + one.Networks[0].Address));
    }
}
