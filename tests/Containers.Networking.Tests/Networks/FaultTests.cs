using System.Net;

namespace Containers.Tests.Networks;

/// <summary>What others do to our interfaces.</summary>
public class FaultTests
{
    [Fact]
    public async Task Bridge_ThatSomebodyDeletedIsMadeAgainForTheNextContainer()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("fragile", new NetworkOptions { IPv6 = true }, Box.Token);
        await using var web = await lab.StartAsync(Box.Web("still here").WithNetwork("fragile"));
        Host.Run("ip", "link", "delete", network.Bridge!);
        await using var client = await lab.StartAsync(Box.Sleeper.WithNetwork("fragile"));
        Assert.Equal("still here\n", await Box.InAsync(client, $"timeout 2 wget -qO- http://{web.Networks[0].Address}"));
        Assert.Equal("still here\n", await Box.InAsync(client, $"timeout 2 wget -qO- http://[{web.Networks[0].Address6}]"));
        Assert.Equal("still here\n", Host.Run("curl", "-s", "-m", "2", $"http://{web.Networks[0].Address}/"));
    }

    [Fact]
    public async Task Bridge_ThatIsGoneAtTheEndIsNoError()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("gone", cancellationToken: Box.Token);
        Host.Run("ip", "link", "delete", network.Bridge!);
        await lab.Networks.RemoveAsync("gone", Box.Token);
        Assert.Null(lab.Networks.Firewall);
    }

    [Fact]
    public async Task Links_ThatGoDownAndUpWorkOn()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("flapping", cancellationToken: Box.Token);
        await using var web = await lab.StartAsync(Box.Web("up").WithNetwork("flapping"));
        await using var client = await lab.StartAsync(Box.Sleeper.WithNetwork("flapping"));
        for (var i = 0; i < 5; i++)
        {
            Host.Run("ip", "link", "set", network.Bridge!, "down");
            Host.Run("ip", "link", "set", network.Bridge!, "up");
        }

        Assert.Equal("up\n", await Box.InAsync(client, $"timeout 5 wget -qO- http://{web.Networks[0].Address}"));
        Assert.Equal("up\n", Host.Run("curl", "-s", "-m", "5", $"http://{web.Networks[0].Address}/"));
    }

    [Fact]
    public async Task Containers_TwoHundredOnOneNetworkAllReachOne()
    {
        const int Count = 200;
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("crowd", cancellationToken: Box.Token);
        await using var web = await lab.StartAsync(Box.Web("crowded").WithNetwork("crowd"));
        var address = web.Networks[0].Address;
        var containers = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => lab.StartAsync(Box.Shell("sleep 600").WithNetwork("crowd").WithTimeout(TimeSpan.FromMinutes(5)))));
        Assert.Equal(Count + 1, (await lab.Networks.InspectAsync("crowd", Box.Token)).Endpoints.Select(static endpoint => endpoint.Address).Distinct().Count());
        Assert.Equal(Count + 1, lab.Host.Links.List(lab.Host.Links.Get(network.Bridge!).Index).Count);
        foreach (var container in containers.Where(static (_, number) => number % 20 == 0))
        {
            Assert.Equal("crowded\n", await Box.InAsync(container, $"timeout 5 wget -qO- http://{address}"));
        }

        await Task.WhenAll(containers.Select(static container => container.DisposeAsync().AsTask()));
        await Wait.UntilAsync(() => lab.Host.Links.List(lab.Host.Links.Get(network.Bridge!).Index).Count == 1);
    }

    [Fact]
    public async Task Starts_AtOnceBesideOthersWhoChangeRulesLeaveTheRulesAsTheyWere()
    {
        const int Count = 64;
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("busy", cancellationToken: Box.Token);
        var before = Rules(lab);
        using var ended = new CancellationTokenSource();
        var churn = Task.Run(() =>
        {
            var changes = 0;
            while (!ended.IsCancellationRequested)
            {
                Host.Run("nft", "add table inet stranger; add chain inet stranger c; add rule inet stranger c counter; delete table inet stranger");
                changes++;
            }

            return changes;
        });
        var networks = Enumerable.Range(0, 8).Select(number => lab.Networks.CreateAsync($"busy-{number}", cancellationToken: Box.Token));
        await Task.WhenAll(networks);
        var results = await Task.WhenAll(Enumerable.Range(0, Count).Select(number => lab.Engine.RunAsync(Box.Shell("ip -o addr show eth0").WithNetwork(number % 2 == 0 ? "busy" : $"busy-{number % 8}"), Box.Token)));
        Assert.All(results, static result => Assert.True(result.IsSuccess));
        Assert.Equal(8, (await lab.Networks.PruneAsync(Box.Token)).Count - 1);
        await lab.Networks.CreateAsync("busy", cancellationToken: Box.Token);
        await ended.CancelAsync();
        Assert.True(await churn > 0);
        Assert.Equal(before, Rules(lab));

        // The port of the network's name server is another one; chains and the set of open networks are not.
        static string Rules(NetworkLab lab) => string.Concat(new[] { "raw-prerouting", "nat-prerouting", "forward", "input", "from-containers", "nat-postrouting" }
            .SelectMany(chain => Host.Run("nft", "list", "chain", "inet", lab.Networks.Firewall!.Table.Name, chain).Split('\n').Where(static line => !line.Contains("counter", StringComparison.Ordinal)))
            .Append(Host.Run("nft", "list", "set", "inet", lab.Networks.Firewall!.Table.Name, "open")));
    }
}
