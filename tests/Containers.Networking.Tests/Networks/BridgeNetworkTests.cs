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
    public async Task Addresses_AreOfTheRangeButForThoseAskedFor()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("part", new NetworkOptions
        {
            Subnet = IPNetwork.Parse("10.211.3.0/24"),
            AddressRange = IPNetwork.Parse("10.211.3.128/30"),
            IPv6 = true,
            Subnet6 = IPNetwork.Parse("fd00:211::/64"),
            AddressRange6 = IPNetwork.Parse("fd00:211::ff00/120"),
        }, Box.Token);
        Assert.Equal((IPAddress.Parse("10.211.3.128"), IPAddress.Parse("fd00:211::ff00")), (network.Gateway, network.Gateway6));
        Assert.Equal((IPNetwork.Parse("10.211.3.128/30"), IPNetwork.Parse("fd00:211::ff00/120")), (network.AddressRange, network.AddressRange6));
        await using var one = await lab.StartAsync(Box.Web("one").WithNetwork("part"));
        await using var asked = await lab.StartAsync(Box.Sleeper.WithNetwork("part", address: IPAddress.Parse("10.211.3.7")));
        Assert.Equal((IPAddress.Parse("10.211.3.129"), IPAddress.Parse("fd00:211::ff01")), (one.Networks[0].Address, one.Networks[0].Address6));
        Assert.Equal("one\n", await Box.InAsync(asked, "timeout 2 wget -qO- http://10.211.3.129/"));
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
