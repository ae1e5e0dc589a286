using System.Net;

namespace Containers.Tests.Networks;

/// <summary>What containers reach beyond their bridges, and as whom.</summary>
public class WayOutTests
{
    [Fact]
    public async Task Containers_ReachOtherMachinesWithTheHostsAddress()
    {
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        using var service = new TinyServer(outside.Space);
        await lab.Networks.CreateAsync("six", new NetworkOptions { IPv6 = true }, Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper.WithNetwork("six"));
        Assert.Equal(TinyServer.Answer + outside.HostAddress, await Box.InAsync(container, service.GetFrom(outside.Address)));
        Assert.Equal(TinyServer.Answer + outside.HostAddress6, await Box.InAsync(container, service.GetFrom(outside.Address6)));
    }

    [Fact]
    public async Task WayOut_IsTheFirstNetworkThatLeadsAnywhere()
    {
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        using var service = new TinyServer(outside.Space);
        await lab.Networks.CreateAsync("closed", new NetworkOptions { Internal = true }, Box.Token);
        var first = await lab.Networks.CreateAsync("first", cancellationToken: Box.Token);
        var second = await lab.Networks.CreateAsync("second", cancellationToken: Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper.WithNetwork("closed").WithNetwork("first").WithNetwork("second"));
        Assert.Contains($"default via {first.Gateway} dev eth1", await Box.InAsync(container, "ip route"), StringComparison.Ordinal);
        Assert.StartsWith(TinyServer.Answer, await Box.InAsync(container, service.GetFrom(outside.Address)), StringComparison.Ordinal);

        await lab.Networks.DisconnectAsync("first", container, Box.Token);
        var routes = await Box.InAsync(container, "ip route");
        Assert.Contains($"default via {second.Gateway} dev eth2", routes, StringComparison.Ordinal);
        Assert.DoesNotContain("eth1", routes, StringComparison.Ordinal);
        Assert.StartsWith(TinyServer.Answer, await Box.InAsync(container, service.GetFrom(outside.Address)), StringComparison.Ordinal);

        await lab.Networks.ConnectAsync("first", container, cancellationToken: Box.Token);
        routes = await Box.InAsync(container, "ip route");
        Assert.Contains("dev eth1", routes, StringComparison.Ordinal);
        Assert.Single(routes.Split('\n'), static line => line.StartsWith("default", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Traffic_IsCounted()
    {
        await using var lab = new NetworkLab();
        await using var web = await lab.StartAsync(Box.Shell("head -c 1000000 /dev/zero > /tmp/zeros; exec httpd -f -h /tmp").WithNetwork("bridge"));
        var address = web.Networks[0].Address;
        var result = await lab.Engine.RunAsync(Box.Shell($"for i in 1 2 3 4 5; do wget -qO /dev/null http://{address}/zeros && exit 0; sleep 0.1; done; exit 1").WithNetwork("bridge"), Box.Token);
        Assert.True(result.IsSuccess, result.StandardError.Text);
        Assert.InRange(result.Usage.NetworkReceivedBytes!.Value, 1_000_000, 1_200_000);
        Assert.InRange(result.Usage.NetworkSentBytes!.Value, 100, 200_000);
        Assert.InRange((await web.GetUsageAsync(Box.Token)).NetworkSentBytes!.Value, 1_000_000, 1_200_000);

        var alone = await lab.Engine.RunAsync(Box.Shell("true"), Box.Token);
        Assert.Null(alone.Usage.NetworkSentBytes);
    }
}
