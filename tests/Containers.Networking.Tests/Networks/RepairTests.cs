using System.Diagnostics;
using System.Net;
using Containers.Networks;

namespace Containers.Tests.Networks;

/// <summary>What somebody takes from a bridge comes back by itself.</summary>
public class RepairTests
{
    private const string Get = "timeout 1 wget -qO- http://";

    [Fact]
    public async Task Bridge_ThatIsDeletedIsThereAgainWithinASecond()
    {
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        var network = await lab.Networks.CreateAsync("deleted", new NetworkOptions { IPv6 = true }, Box.Token);
        await using var web = await lab.StartAsync(Box.Web("here").WithNetwork("deleted").WithName("web").WithPort(80, 18088));
        await using var client = await lab.StartAsync(Box.Sleeper.WithNetwork("deleted"));
        var place = web.Networks[0];
        Assert.Equal("here\n", await Box.InAsync(client, Get + place.Address));
        var before = lab.Host.Links.Get(network.Bridge!);

        Host.Run("ip", "link", "delete", network.Bridge!);
        var started = TimeProvider.System.GetTimestamp();
        await Wait.UntilAsync(() => Box.SucceedsInAsync(client, Get + place.Address).Result);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(2));

        // With all that it had.
        Assert.Equal("here\n", await Box.InAsync(client, $"{Get}[{place.Address6}]"));
        Assert.Equal("here\n", await Box.InAsync(client, Get + "web"));
        Assert.Equal("here\n", outside.Run("curl", "-s", "-m", "2", $"http://{outside.HostAddress}:18088/"));
        Assert.Equal("here\n", Host.Run("curl", "-s", "-m", "2", "http://127.0.0.1:18088/"));
        Assert.Equal(before.HardwareAddress, lab.Host.Links.Get(network.Bridge!).HardwareAddress);
        Assert.Equal(before.Alias, lab.Host.Links.Get(network.Bridge!).Alias);
        Assert.Single(lab.Host.Links.List(lab.Host.Links.Get(network.Bridge!).Index), static port => port.Port is { Hairpin: true });

        // Also under another name.
        Host.Run("ip", "link", "set", network.Bridge!, "name", "stolen0");
        await Wait.UntilAsync(() => lab.Host.Links.Find("stolen0") is null && lab.Host.Links.Find(network.Bridge!) is { IsUp: true });
        Assert.Equal("here\n", await Box.InAsync(client, Get + place.Address));
    }

    [Fact]
    public async Task Addresses_AreThereAgainAfterABridgeWasDown()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("down", new NetworkOptions { IPv6 = true }, Box.Token);
        await using var client = await lab.StartAsync(Box.Sleeper.WithNetwork("down").WithCapability(Capability.NetRaw));
        Host.Run("ip", "link", "set", network.Bridge!, "down");
        Assert.DoesNotContain(network.Gateway6!.ToString(), Host.Run("ip", "-6", "addr"), StringComparison.Ordinal);
        await Task.Delay(300, Box.Token);
        Assert.False(lab.Host.Links.Get(network.Bridge!).IsUp);

        Host.Run("ip", "link", "set", network.Bridge!, "up");
        await Wait.UntilAsync(() => Host.Run("ip", "-6", "addr").Contains(network.Gateway6.ToString(), StringComparison.Ordinal));
        Assert.Contains($"{network.Subnet6} dev {network.Bridge}", Host.Run("ip", "-6", "route"), StringComparison.Ordinal);
        Assert.Contains(" 0% packet loss", await Box.InAsync(client, $"ping -6 -c 1 -W 2 {network.Gateway6}"), StringComparison.Ordinal);
        Assert.Contains(" 0% packet loss", await Box.InAsync(client, $"ping -c 1 -W 2 {network.Gateway}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WayToOtherHosts_IsThereAgain()
    {
        await using var lab = new NetworkLab();
        using var cable = Machine.Create();
        var network = await lab.Networks.CreateAsync("across", new NetworkOptions
        {
            Subnet = IPNetwork.Parse("10.95.0.0/16"),
            AddressRange = IPNetwork.Parse("10.95.1.0/24"),
            Overlay = new OverlayOptions { NetworkId = 7300, Local = cable.HostAddress, Peers = [cable.Address] },
        }, Box.Token);
        var port = HostSide.OverlayPrefix + network.Bridge![HostSide.BridgePrefix.Length..];
        foreach (var damage in new string[][] { ["link", "delete", port], ["link", "set", port, "nomaster"], ["link", "delete", network.Bridge] })
        {
            Host.Run("ip", damage);
            await Wait.UntilAsync(() => lab.Host.Links.Find(port) is { IsUp: true } found && found.Master == lab.Host.Links.Find(network.Bridge)?.Index &&
                Host.Run("bridge", "fdb", "show", "dev", port).Contains($"00:00:00:00:00:00 dst {cable.Address} self permanent", StringComparison.Ordinal));
        }

        await lab.Networks.RemoveAsync("across", Box.Token);
        Assert.Null(lab.Host.Links.Find(port));
    }

    [Fact]
    public async Task Deletion_AgainAndAgainIsAnsweredEverMoreSeldom()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("fought", cancellationToken: Box.Token);
        await using var web = await lab.StartAsync(Box.Web("calm").WithNetwork("fought"));
        await using var client = await lab.StartAsync(Box.Sleeper.WithNetwork("fought"));
        using var self = Process.GetCurrentProcess();
        var seen = new HashSet<int>();
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(3))
        {
            if (lab.Host.Links.Find(network.Bridge!) is { } bridge)
            {
                seen.Add(bridge.Index);
                _ = lab.Host.Links.TryDelete(bridge.Index);
            }

            await Task.Delay(5, Box.Token);
        }

        // At once, then after 0.1, 0.2, 0.4, 0.8 and 1.6 seconds.
        Assert.InRange(seen.Count, 4, 7);
        await Wait.UntilAsync(() => lab.Host.Links.Find(network.Bridge!) is { IsUp: true });
        Assert.Equal("calm\n", await Box.InAsync(client, Get + web.Networks[0].Address));
    }
}
