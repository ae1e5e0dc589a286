using System.Net;

namespace Containers.Tests.Networks;

/// <summary>Networks that are none of a container's own, and the files about networks.</summary>
public class SharedNetworkTests
{
    [Fact]
    public async Task WithNetworkOf_SharesInterfacesAndFiles()
    {
        await using var lab = new NetworkLab();
        await using var owner = await lab.StartAsync(Box.Web("shared").WithNetwork("bridge").WithExtraHost("elsewhere", "192.0.2.1"));
        var result = await lab.Engine.RunAsync(Box.Shell("timeout 2 wget -qO- http://127.0.0.1/; ip -o addr show eth0; cat /etc/hosts").WithNetworkOf(owner), Box.Token);
        Assert.True(result.IsSuccess, result.StandardError.Text);
        Assert.StartsWith("shared\n", result.StandardOutput.Text, StringComparison.Ordinal);
        Assert.Contains(owner.Networks[0].Address.ToString(), result.StandardOutput.Text, StringComparison.Ordinal);
        Assert.Contains("192.0.2.1\telsewhere\n", result.StandardOutput.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HostNetwork_IsTheHosts()
    {
        await using var lab = new NetworkLab();
        using var cable = Machine.Create();
        var result = await lab.Engine.RunAsync(Box.Shell("ip link; cat /etc/hosts").WithNetwork("host"), Box.Token);
        Assert.Contains(cable.Cable, result.StandardOutput.Text, StringComparison.Ordinal);
        Assert.EndsWith(await File.ReadAllTextAsync("/etc/hosts", Box.Token), result.StandardOutput.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoneNetwork_IsALoopbackOfItsOwn()
    {
        await using var lab = new NetworkLab();
        var result = await lab.Engine.RunAsync(Box.Shell("ip -o link | wc -l; wc -c < /etc/resolv.conf").WithNetwork("none"), Box.Token);
        Assert.Equal("1\n0\n", result.StandardOutput.Text);
    }

    [Fact]
    public async Task Hosts_HasTheContainersOwnNamesAndThoseAsked()
    {
        await using var lab = new NetworkLab();
        var one = await lab.Networks.CreateAsync("one", new NetworkOptions { IPv6 = true }, Box.Token);
        await using var container = await lab.StartAsync(Box.Sleeper.WithHostname("box").WithDomainName("example.org").WithNetwork("one").WithNetwork("bridge")
            .WithExtraHost("host.docker.internal", "host-gateway").WithExtraHost("six", "2001:db8::1"));
        var hosts = await Box.InAsync(container, "cat /etc/hosts");
        foreach (var place in container.Networks)
        {
            Assert.Contains($"{place.Address}\tbox.example.org box\n", hosts, StringComparison.Ordinal);
        }

        Assert.Contains($"{container.Networks[0].Address6}\tbox.example.org box\n", hosts, StringComparison.Ordinal);
        Assert.Contains($"{one.Gateway}\thost.docker.internal\n", hosts, StringComparison.Ordinal);
        Assert.Contains("2001:db8::1\tsix\n", hosts, StringComparison.Ordinal);
        Assert.StartsWith("127.0.0.1\tlocalhost\n::1\tlocalhost", hosts, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resolvers_AreThoseAsked()
    {
        await using var lab = new NetworkLab();
        var job = Box.Shell("cat /etc/resolv.conf").WithNetwork("bridge").WithDns(IPAddress.Parse("192.0.2.53"), IPAddress.Parse("2001:db8::53")).WithDnsSearch("example.org", "example.com");
        Assert.Matches("^nameserver [0-9.]+\nsearch example.org example.com\noptions ([^\n]* )?ndots:0\n$", (await lab.Engine.RunAsync(job, Box.Token)).StandardOutput.Text);
    }

    [Fact]
    public void Builder_RefusesWhatCannotBe()
    {
        var job = Box.Sleeper;
        Assert.Throws<ArgumentException>(() => job.WithNetwork("one").WithNetwork("one"));
        Assert.Throws<ArgumentException>(() => job.WithNetwork("one").WithNetwork("host"));
        Assert.Throws<ArgumentException>(() => job.WithNetwork("host").WithNetwork("one"));
        Assert.Throws<ArgumentException>(() => job.WithNetwork("host", aliases: ["x"]));
        Assert.Throws<ArgumentException>(() => job.WithNetwork(""));
        Assert.Throws<ArgumentException>(() => job.WithNetwork("no/path"));
        Assert.Throws<ArgumentException>(() => job.WithNetwork("one", aliases: ["-x"]));
        Assert.Throws<ArgumentException>(() => job.WithNetwork("one", aliases: [new string('x', 64)]));
        Assert.Throws<ArgumentException>(() => job.WithNetwork("one", aliases: ["two words"]));
        Assert.Throws<ArgumentException>(() => job.WithNetwork("one", aliases: ["new\nline"]));
        Assert.Throws<ArgumentException>(() => job.WithNetwork("one", mac: System.Net.NetworkInformation.PhysicalAddress.Parse("01-00-00-00-00-01")));
        Assert.Throws<ArgumentException>(() => job.WithNetwork("one", mac: System.Net.NetworkInformation.PhysicalAddress.Parse("00-00-00-00-00-00")));
        Assert.Throws<ArgumentException>(() => job.WithDns());
        Assert.Throws<ArgumentException>(() => job.WithExtraHost("name", "not an address"));
        Assert.Throws<ArgumentException>(() => job.WithExtraHost("na me", "192.0.2.1"));
        Assert.Throws<ArgumentException>(() => job.WithDnsSearch("a b"));
    }
}
