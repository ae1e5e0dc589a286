using System.Net;

namespace Containers.Tests.Networks;

/// <summary>What cannot be, and that nothing of it is left.</summary>
public class BadInputTests
{
    [Fact]
    public async Task Options_ThatCannotBeRightAreRefusedAtOnce()
    {
        await using var lab = new NetworkLab();
        await Refused(new NetworkOptions { Subnet = IPNetwork.Parse("10.214.0.0/31") });
        await Refused(new NetworkOptions { Subnet = IPNetwork.Parse("0.0.0.0/0") });
        await Refused(new NetworkOptions { Subnet = IPNetwork.Parse("fd00::/64") });
        await Refused(new NetworkOptions { Subnet6 = IPNetwork.Parse("fd00::/64") });
        await Refused(new NetworkOptions { IPv6 = true, Subnet6 = IPNetwork.Parse("fd00::/127") });
        await Refused(new NetworkOptions { Gateway = IPAddress.Parse("10.214.0.1") });
        await Refused(new NetworkOptions { Subnet = IPNetwork.Parse("10.214.0.0/24"), Gateway = IPAddress.Parse("10.215.0.1") });
        await Refused(new NetworkOptions { Subnet = IPNetwork.Parse("10.214.0.0/24"), Gateway = IPAddress.Parse("10.214.0.255") });
        await Refused(new NetworkOptions { Subnet = IPNetwork.Parse("10.214.0.0/24"), Gateway = IPAddress.Parse("10.214.0.0") });
        await Refused(new NetworkOptions { Mtu = 67 });
        await Refused(new NetworkOptions { IPv6 = true, Mtu = 1279 });
        await Refused(new NetworkOptions { Mtu = 65536 });
        foreach (var name in new[] { "", "x", "-x", "a b", "a/b", new string('x', 129), "x\n" })
        {
            await Assert.ThrowsAsync<ArgumentException>(() => lab.Networks.CreateAsync(name, cancellationToken: Box.Token));
        }

        Assert.Null(lab.Networks.Firewall);

        Task Refused(NetworkOptions options) => Assert.ThrowsAsync<ArgumentException>("options", () => lab.Networks.CreateAsync("bad", options, Box.Token));
    }

    [Fact]
    public async Task Subnets_ThatSomebodyHasAreRefused()
    {
        await using var lab = new NetworkLab();
        await using var other = new NetworkLab();
        using var cable = Machine.Create();
        await lab.Networks.CreateAsync("taken", new NetworkOptions { Subnet = IPNetwork.Parse("10.215.0.0/16") }, Box.Token);
        var before = Rules(lab);
        foreach (var (networks, subnet) in new[]
        {
            (lab.Networks, "10.215.7.0/24"), (other.Networks, "10.215.7.0/24"), (lab.Networks, "10.214.0.0/15"), (lab.Networks, $"{cable.HostAddress}"[..^1] + "0/24"),
        })
        {
            var network = IPNetwork.Parse(subnet);
            var refused = await Assert.ThrowsAsync<NetworkException>(() => networks.CreateAsync("overlapping", new NetworkOptions { Subnet = network }, Box.Token));
            Assert.Contains("EADDRINUSE", refused.Message, StringComparison.Ordinal);
            Assert.Contains(network.ToString(), refused.Message, StringComparison.Ordinal);
        }

        await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.CreateAsync("taken", cancellationToken: Box.Token));
        await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.CreateAsync("host", cancellationToken: Box.Token));
        await Assert.ThrowsAsync<NetworkException>(() => lab.Networks.RemoveAsync("bridge", Box.Token));
        Assert.Equal(before, Rules(lab));
        Assert.Null(other.Networks.Firewall);
        Assert.Single(await lab.Networks.ListAsync(Box.Token), static network => network.Bridge is not null);
    }

    private static string Rules(NetworkLab lab) => Host.Run("nft", "list", "table", "inet", lab.Networks.Firewall!.Table.Name);

    [Fact]
    public async Task PoolOfAddresses_EndsWithAnError()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("small", new NetworkOptions { Subnet = IPNetwork.Parse("10.216.0.0/29") }, Box.Token);
        var containers = new List<Container>();
        for (var i = 0; i < 5; i++)
        {
            containers.Add(await lab.StartAsync(Box.Sleeper.WithNetwork("small")));
        }

        var refused = await Assert.ThrowsAsync<NetworkException>(() => lab.StartAsync(Box.Sleeper.WithNetwork("small")));
        Assert.Contains("10.216.0.0/29", refused.Message, StringComparison.Ordinal);
        Assert.Equal(5, (await lab.Networks.InspectAsync("small", Box.Token)).Endpoints.Count);

        // One that ends gives its address back.
        await containers[0].DisposeAsync();
        containers.Add(await lab.StartAsync(Box.Sleeper.WithNetwork("small")));
        Assert.Equal(5, (await lab.Networks.InspectAsync("small", Box.Token)).Endpoints.Count);
        await Task.WhenAll(containers.Select(static container => container.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task FailedStarts_LeaveNothing()
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("failing", new NetworkOptions { Subnet = IPNetwork.Parse("10.217.0.0/24") }, Box.Token);
        var job = Box.Sleeper.WithNetwork("failing", address: IPAddress.Parse("10.217.0.9"));

        await Assert.ThrowsAsync<ContainerException>(() => lab.StartAsync(job.WithCommand("/no/such/program")));
        await Assert.ThrowsAsync<NetworkException>(() => lab.StartAsync(job.WithNetwork("nowhere")));
        await Assert.ThrowsAsync<NetworkException>(() => lab.StartAsync(job.WithNetwork("bridge").WithExtraHost("x", "host-gateway").WithNetwork("absent")));
        await Assert.ThrowsAsync<NetworkException>(() => lab.StartAsync(Box.Sleeper.WithExtraHost("x", "host-gateway")));
        await Assert.ThrowsAsync<ContainerException>(() => lab.StartAsync(job.WithMount(Mount.Bind("/no/such/path", "/mnt"))));

        await Assert.ThrowsAsync<NetworkException>(() => lab.StartAsync(job.WithNamespace(NamespaceKind.Network, NamespaceMode.Host)));
        await Assert.ThrowsAsync<NetworkException>(() => lab.StartAsync(ContainerBuilder.FromHost().WithCommand("true").WithNetwork("failing").WithoutNamespaces()));

        Assert.Empty((await lab.Networks.InspectAsync("failing", Box.Token)).Endpoints);
        await Wait.UntilAsync(() => lab.Host.Links.List(lab.Host.Links.Get(network.Bridge!).Index).Count == 0);
        await using var container = await lab.StartAsync(job);
        Assert.Equal(IPAddress.Parse("10.217.0.9"), container.Networks[0].Address);
    }
}
