using System.Net;

namespace Containers.Tests.Networks;

/// <summary>Containers on one bridge.</summary>
public class BridgeNetworkTests
{
    [Fact]
    public async Task Containers_OnOneNetworkReachEachOther()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("one", new NetworkOptions { Subnet = IPNetwork.Parse("10.211.1.0/24"), Gateway = IPAddress.Parse("10.211.1.254") }, Box.Token);
        await using var web = await lab.StartAsync(Box.Web("hello").WithNetwork("one", address: IPAddress.Parse("10.211.1.7")));
        await using var client = await lab.StartAsync(Box.Sleeper.WithNetwork(network).WithCapability(Capability.NetRaw));

        Assert.Equal("hello\n", await Box.InAsync(client, "wget -qO- http://10.211.1.7/"));
        Assert.Contains(" 0% packet loss", await Box.InAsync(client, "ping -c 1 -W 2 10.211.1.7"), StringComparison.Ordinal);
        Assert.Contains(" 0% packet loss", await Box.InAsync(client, "ping -c 1 -W 2 10.211.1.254"), StringComparison.Ordinal);

        var shown = await Box.InAsync(web, "ip addr show eth0; ip route; cat /etc/hosts");
        Assert.Contains("inet 10.211.1.7/24 brd 10.211.1.255", shown, StringComparison.Ordinal);
        Assert.Contains("default via 10.211.1.254 dev eth0", shown, StringComparison.Ordinal);
        Assert.Contains($"10.211.1.7\t{web.Id[..12]}\n", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("inet6", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_OfTheEngineAreOneTableThatIsGoneWithItsLastNetwork()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("rules", new NetworkOptions { Subnet = IPNetwork.Parse("10.211.2.0/24") }, Box.Token);
        Assert.Contains(network.Bridge!, Host.Run("nft", "list", "ruleset"), StringComparison.Ordinal);
        await lab.Networks.RemoveAsync("rules", Box.Token);
        Assert.DoesNotContain(network.Bridge!, Host.Run("nft", "list", "ruleset"), StringComparison.Ordinal);
        Assert.Null(lab.Host.Links.Find(network.Bridge!));
        Assert.Null(lab.Networks.Firewall);
    }
}
