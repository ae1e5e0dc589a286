using System.Net;
using System.Net.NetworkInformation;

namespace Containers.Tests.Networks;

/// <summary>Networks of a container that runs.</summary>
public class ConnectTests
{
    [Fact]
    public async Task RunningContainer_IsConnectedAsItIsAsked()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("late", new NetworkOptions { Subnet = IPNetwork.Parse("10.213.1.0/24"), IPv6 = true, Subnet6 = IPNetwork.Parse("fd00:213:1::/64") }, Box.Token);
        await using var web = await lab.StartAsync(Box.Web("late").WithNetwork("late"));
        await using var container = await lab.StartAsync(Box.Sleeper.WithNetwork("bridge"));
        var place = await lab.Networks.ConnectAsync("late", container, new NetworkConnection
        {
            Aliases = ["comer"],
            Address = IPAddress.Parse("10.213.1.77"),
            Address6 = IPAddress.Parse("fd00:213:1::77"),
            MacAddress = PhysicalAddress.Parse("02-00-00-00-00-77"),
        }, Box.Token);

        Assert.Equal(("eth1", "comer"), (place.Interface, Assert.Single(place.Aliases)));
        var shown = await Box.InAsync(container, "ip addr show eth1");
        Assert.Contains("inet 10.213.1.77/24", shown, StringComparison.Ordinal);
        Assert.Contains("inet6 fd00:213:1::77/64", shown, StringComparison.Ordinal);
        Assert.Contains("link/ether 02:00:00:00:00:77", shown, StringComparison.Ordinal);
        Assert.Equal("late\n", await Box.InAsync(container, $"timeout 2 wget -qO- http://{web.Networks[0].Address}"));
        Assert.Equal("late\n", await Box.InAsync(container, $"timeout 2 wget -qO- http://[{web.Networks[0].Address6}]"));
        Assert.Equal(2, container.Networks.Count);

        await lab.Networks.DisconnectAsync("late", container, Box.Token);
        Assert.False(await Box.SucceedsInAsync(container, "ip link show eth1"));
        Assert.Single(container.Networks);
        Assert.Single((await lab.Networks.InspectAsync("late", Box.Token)).Endpoints);
    }

    [Fact]
    public async Task ContainerWithoutANetwork_CanGetOneLater()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("later", cancellationToken: Box.Token);
        await using (var container = await lab.StartAsync(Box.Sleeper))
        {
            await using var web = await lab.StartAsync(Box.Web("later").WithNetwork("later"));
            Assert.Equal("eth0", (await lab.Networks.ConnectAsync("later", container, cancellationToken: Box.Token)).Interface);
            Assert.Equal("later\n", await Box.InAsync(container, $"timeout 2 wget -qO- http://{web.Networks[0].Address}"));
            Assert.Single(container.Networks);
        }

        Assert.Empty((await lab.Networks.InspectAsync("later", Box.Token)).Endpoints);
    }

    [Fact]
    public async Task Traffic_IsCountedOfNetworksThatCameLaterAndOfThoseThatWent()
    {
        const int Sent = 1 << 20;
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("one", cancellationToken: Box.Token);
        await lab.Networks.CreateAsync("two", cancellationToken: Box.Token);
        await using var sink = await lab.StartAsync(Box.Shell("while :; do nc -l -p 9000 > /dev/null; done").WithNetwork("one").WithNetwork("two"));
        await using var container = await lab.StartAsync(Box.Sleeper);
        Assert.Null((await container.GetUsageAsync(Box.Token)).NetworkSentBytes);

        await lab.Networks.ConnectAsync("one", container, cancellationToken: Box.Token);
        await SendAsync("one");
        var first = await container.GetUsageAsync(Box.Token);
        Assert.InRange(first.NetworkSentBytes!.Value, Sent, Sent * 11 / 10);
        Assert.InRange(first.NetworkReceivedBytes!.Value, 1, Sent / 2);

        await lab.Networks.DisconnectAsync("one", container, Box.Token);
        var between = await container.GetUsageAsync(Box.Token);
        Assert.InRange(between.NetworkSentBytes!.Value, first.NetworkSentBytes.Value, Sent * 11 / 10);

        await lab.Networks.ConnectAsync("two", container, cancellationToken: Box.Token);
        await SendAsync("two");
        await container.KillAsync(cancellationToken: Box.Token);
        var usage = (await container.WaitAsync(Box.Token)).Usage;
        Assert.InRange(usage.NetworkSentBytes!.Value, between.NetworkSentBytes.Value + Sent, Sent * 22 / 10);
        Assert.Single((await lab.Networks.InspectAsync("two", Box.Token)).Endpoints);

        async Task SendAsync(string network) => await Box.InAsync(container,
            $"dd if=/dev/zero bs=64k count=16 2> /dev/null | timeout 10 nc -w 5 {sink.Networks.First(place => place.Network == network).Address} 9000");
    }

    [Fact]
    public async Task Interfaces_ThatAContainerMakesOrDeletesItselfAreNoHindranceLater()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("own", cancellationToken: Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper.WithCapability(Capability.NetAdmin));
        await Box.InAsync(container, "ip link add eth0 type veth; ip link set eth0 up; ip route add default dev eth0");
        var taken = await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.ConnectAsync("own", container, cancellationToken: Box.Token));
        Assert.Contains("EEXIST", taken.Message, StringComparison.Ordinal);
        Assert.Empty(container.Networks);
        await Wait.UntilAsync(() => lab.Host.Links.List(lab.Host.Links.Get(network.Bridge!).Index).Count == 0);

        // Its own default route gives way, and what it has deleted is gone.
        await Box.InAsync(container, "ip link set eth0 name mine; ip link set mine up; ip route replace default dev mine");
        await lab.Networks.ConnectAsync("own", container, cancellationToken: Box.Token);
        Assert.Equal($"default via {network.Gateway} dev eth0\n", (await Box.InAsync(container, "ip route | grep ^default")).Replace(" \n", "\n", StringComparison.Ordinal));
        await Box.InAsync(container, "ip link delete eth0");
        await lab.Networks.DisconnectAsync("own", container, Box.Token);
        Assert.Equal("eth0", (await lab.Networks.ConnectAsync("own", container, cancellationToken: Box.Token)).Interface);
    }

    [Fact]
    public async Task ContainerThatHasEnded_IsNotConnected()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("late", cancellationToken: Box.Token);
        await using var never = await lab.StartAsync(Box.Sleeper);
        await using var once = await lab.StartAsync(Box.Sleeper);
        await lab.Networks.ConnectAsync("late", once, cancellationToken: Box.Token);
        await Task.WhenAll(never.KillAsync(cancellationToken: Box.Token), once.KillAsync(cancellationToken: Box.Token));
        await Assert.ThrowsAsync<InvalidOperationException>(() => lab.Networks.ConnectAsync("late", never, cancellationToken: Box.Token));
        await Assert.ThrowsAsync<InvalidOperationException>(() => lab.Networks.ConnectAsync("late", once, cancellationToken: Box.Token));
        Assert.Empty((await lab.Networks.InspectAsync("late", Box.Token)).Endpoints);
        Assert.Empty(once.Networks);
        await lab.Networks.RemoveAsync("late", Box.Token);
    }

    [Fact]
    public async Task Connecting_AsTheContainerEndsLeavesNothing()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("late", cancellationToken: Box.Token);
        for (var attempt = 0; attempt < 20; attempt++)
        {
            await using var container = await lab.StartAsync(Box.Sleeper);
            var connecting = lab.Networks.ConnectAsync("late", container, cancellationToken: Box.Token);
            await Task.Delay(attempt / 2, Box.Token);
            await container.KillAsync(cancellationToken: Box.Token);
            await connecting.ContinueWith(static _ => { }, TaskScheduler.Default);
            Assert.True(connecting.IsCompletedSuccessfully || connecting.Exception!.InnerException is InvalidOperationException or ContainerException, connecting.Exception?.ToString());
        }

        await Wait.UntilAsync(() => lab.Host.Links.List(lab.Host.Links.Get(network.Bridge!).Index).Count == 0);
        Assert.Empty((await lab.Networks.InspectAsync("late", Box.Token)).Endpoints);
        await lab.Networks.RemoveAsync("late", Box.Token);
    }

    [Fact]
    public async Task Connecting_IsRefusedWhereItCannotBe()
    {
        await using var lab = new NetworkLab();
        await using var other = new NetworkLab();
        await lab.Networks.CreateAsync("once", new NetworkOptions { Subnet = IPNetwork.Parse("10.213.2.0/24") }, Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper.WithNetwork("once", address: IPAddress.Parse("10.213.2.9")));
        await using var host = await lab.StartAsync(Box.Sleeper.WithNetwork("host"));
        await using var second = await lab.StartAsync(Box.Sleeper);

        Assert.Contains("EEXIST", (await Refused("once", container, null)).Message, StringComparison.Ordinal);
        Assert.Contains("ENOENT", (await Refused("nowhere", container, null)).Message, StringComparison.Ordinal);
        Assert.Contains("EADDRINUSE", (await Refused("once", second, new NetworkConnection { Address = IPAddress.Parse("10.213.2.9") })).Message, StringComparison.Ordinal);
        Assert.Contains("gateway", (await Refused("once", second, new NetworkConnection { Address = IPAddress.Parse("10.213.2.1") })).Message, StringComparison.Ordinal);
        Assert.Contains("not in the subnet", (await Refused("once", second, new NetworkConnection { Address = IPAddress.Parse("10.9.9.9") })).Message, StringComparison.Ordinal);
        Assert.Contains("no IPv6", (await Refused("once", second, new NetworkConnection { Address6 = IPAddress.Parse("fd00::9") })).Message, StringComparison.Ordinal);
        Assert.Contains("hardware address", (await Refused("once", second, new NetworkConnection { MacAddress = container.Networks[0].MacAddress })).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => lab.Networks.ConnectAsync("once", host, cancellationToken: Box.Token));
        await Assert.ThrowsAsync<ArgumentException>(() => other.Networks.ConnectAsync("bridge", container, cancellationToken: Box.Token));
        await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.DisconnectAsync("once", second, Box.Token));
        Assert.Single((await lab.Networks.InspectAsync("once", Box.Token)).Endpoints);
        Assert.Empty(second.Networks);

        async Task<NetworkException> Refused(string network, Container who, NetworkConnection? connection) =>
            await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.ConnectAsync(network, who, connection, Box.Token));
    }
}
