using System.Net;

namespace Containers.Tests.Networks;

/// <summary>Making, listing and removing networks.</summary>
public class NetworkLifeTests
{
    [Fact]
    public async Task Networks_OfANewEngineAreTheThreeOfDocker()
    {
        await using var lab = new NetworkLab();
        var all = await lab.Networks.ListAsync(Box.Token);
        Assert.Equal(["bridge", "host", "none"], all.Select(static network => network.Name));
        Assert.Equal([NetworkKind.Bridge, NetworkKind.Host, NetworkKind.None], all.Select(static network => network.Kind));
        Assert.Null(all[0].Bridge);
    }

    [Fact]
    public async Task Network_IsListedAndInspectedAsItWasMade()
    {
        await using var lab = new NetworkLab();
        var made = await lab.Networks.CreateAsync("made", new NetworkOptions
        {
            Subnet = IPNetwork.Parse("10.212.1.0/24"),
            Mtu = 1400,
            IPv6 = true,
            Labels = new Dictionary<string, string> { ["team"] = "blue" },
        }, Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper.WithName("someone").WithNetwork("made", aliases: ["db", "DB", "cache"]));

        var shown = await lab.Networks.InspectAsync("made", Box.Token);
        Assert.Equal(IPAddress.Parse("10.212.1.1"), shown.Gateway);
        Assert.Equal("blue", shown.Labels["team"]);
        Assert.Equal(1400, shown.Mtu);
        Assert.StartsWith("fd", shown.Subnet6.ToString(), StringComparison.Ordinal);
        var endpoint = Assert.Single(shown.Endpoints);
        Assert.Equal(("someone", "eth0", container.Id), (endpoint.ContainerName, endpoint.Interface, endpoint.ContainerId));
        Assert.Equal(["db", "cache"], endpoint.Aliases);
        Assert.Equal(endpoint.Address, Assert.Single(container.Networks).Address);
        Assert.Contains("made", (await lab.Networks.ListAsync(Box.Token)).Select(static network => network.Name));

        var link = Host.Run("ip", "-d", "link", "show", made.Bridge!);
        Assert.Contains("mtu 1400", link, StringComparison.Ordinal);
        Assert.Contains("alias containers:" + lab.StateDirectory, link, StringComparison.Ordinal);
        Assert.Contains("mtu 1400", await Box.InAsync(container, "ip link show eth0"), StringComparison.Ordinal);
        Assert.Contains("inet 10.212.1.1/24", Host.Run("ip", "addr", "show", made.Bridge!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RemovingANetwork_IsRefusedWhileItIsInUse()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("used", cancellationToken: Box.Token);
        await using (await lab.StartAsync(Box.Sleeper.WithName("user").WithNetwork("used")))
        {
            var refused = await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.RemoveAsync("used", Box.Token));
            Assert.Contains("user", refused.Message, StringComparison.Ordinal);
            Assert.Empty(await lab.Networks.PruneAsync(Box.Token));
        }

        await lab.Networks.RemoveAsync("used", Box.Token);
        Assert.Contains("ENOENT", (await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.InspectAsync("used", Box.Token))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prune_RemovesWhatNobodyUses()
    {
        await using var lab = new NetworkLab();
        var first = await lab.Networks.CreateAsync("first", cancellationToken: Box.Token);
        await lab.Networks.CreateAsync("second", cancellationToken: Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper.WithNetwork("second").WithNetwork("bridge"));
        Assert.Equal(["first"], await lab.Networks.PruneAsync(Box.Token));
        Assert.Null(lab.Host.Links.Find(first.Bridge!));
        Assert.Equal(["bridge", "host", "none", "second"], (await lab.Networks.ListAsync(Box.Token)).Select(static network => network.Name));
    }

    [Fact]
    public async Task Networks_AreGoneWithTheirEngine()
    {
        string bridge, table;
        await using (var lab = new NetworkLab())
        {
            bridge = (await lab.Networks.CreateAsync("brief", cancellationToken: Box.Token)).Bridge!;
            table = lab.Networks.Firewall!.Table.Name;
            await using var container = await lab.StartAsync(Box.Sleeper.WithNetwork("brief"));
            Assert.Contains(table, Host.Run("nft", "list", "tables"), StringComparison.Ordinal);
        }

        Assert.DoesNotContain(bridge, Host.Run("ip", "link"), StringComparison.Ordinal);
        Assert.DoesNotContain(table, Host.Run("nft", "list", "tables"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Subnets_OfNetworksThatAreMadeAtOnceAreAllDifferent()
    {
        await using var lab = new NetworkLab();
        await using var other = new NetworkLab();
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => (number % 2 == 0 ? lab : other).Networks.CreateAsync($"at-once-{number}", new NetworkOptions { IPv6 = true }, Box.Token)));
        Assert.Equal(8, made.Select(static network => network.Subnet).Distinct().Count());
        Assert.Equal(8, made.Select(static network => network.Subnet6).Distinct().Count());
        Assert.Equal(8, made.Select(static network => network.Bridge).Distinct().Count());
    }

    [Fact]
    public async Task SmallPackets_AreNoReasonNotToStart()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("tiny", new NetworkOptions { Mtu = 576 }, Box.Token);
        await using var web = await lab.StartAsync(Box.Web("small").WithNetwork("tiny"));
        await using var client = await lab.StartAsync(Box.Sleeper.WithNetwork("tiny"));
        Assert.Contains("mtu 576", await Box.InAsync(client, "ip link show eth0"), StringComparison.Ordinal);
        Assert.Equal("small\n", await Box.InAsync(client, $"timeout 2 wget -qO- http://{web.Networks[0].Address}"));
    }
}
