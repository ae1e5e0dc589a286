using System.Net;
using System.Net.Sockets;
using Containers.Names;
using Containers.Rtnetlink;
using Containers.Tests.Networks;

namespace Containers.Tests.Names;

/// <summary>Containers of a real engine that look each other up. The tests play the host's resolver at the address that the host really asks.</summary>
public sealed class NetworkNamesTests : IAsyncLifetime
{
    private NetworkLab _lab = null!;
    private PlaybackResolver _resolver = null!;

    public ValueTask InitializeAsync()
    {
        _lab = new NetworkLab();
        var server = new HostResolvers().Current.Servers[0];
        Assert.SkipUnless(server.AddressFamily == AddressFamily.InterNetwork, "the first resolver of this host has no IPv4 address");
        var loopback = _lab.Host.Links.Get("lo").Index;
        if (!IPAddress.IsLoopback(server.Address) && !_lab.Host.Addresses.List(loopback).Exists(address => address.Address.Equals(server.Address)))
        {
            _lab.Host.Addresses.Add(new InterfaceAddress(loopback, server.Address, 32));
        }

        _resolver = new PlaybackResolver("198.51.100.7", server);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("front")]
    [InlineData("bridge")]
    public async Task Containers_FindEachOtherByNameAndAlias(string network)
    {
        if (network != "bridge")
        {
            await _lab.Networks.CreateAsync(network, new NetworkOptions { IPv6 = true }, Box.Token);
        }

        await using var web = await _lab.StartAsync(Box.Web("hello").WithName("web-1").WithNetwork(network, aliases: ["web", "www.shop"]));
        await using var client = await _lab.StartAsync(Box.Sleeper.WithNetwork(network));
        foreach (var name in new[] { "web-1", "WEB", "www.shop", $"web-1.{network}", web.Id[..12] })
        {
            Assert.Equal("hello\n", await Box.InAsync(client, $"wget -qO- http://{name}/"));
        }

        var gateway = (await _lab.Networks.InspectAsync(network, Box.Token)).Gateway;
        Assert.StartsWith($"nameserver {gateway}\n", await Box.InAsync(client, "cat /etc/resolv.conf"), StringComparison.Ordinal);
        Assert.Contains($"name = web-1.{network}", await Box.InAsync(client, $"nslookup {web.Networks[0].Address}"), StringComparison.Ordinal);
        if (web.Networks[0].Address6 is { } six)
        {
            Assert.Contains(six.ToString(), await Box.InAsync(client, "nslookup -type=aaaa web"), StringComparison.Ordinal);
        }

        Assert.Empty(_resolver.Asked);
        Assert.Contains("198.51.100.7", await Box.InAsync(client, "nslookup -type=a example.org"), StringComparison.Ordinal);
        Assert.NotEmpty(_resolver.Asked);
    }

    [Fact]
    public async Task Job_FindsTheOthersInItsFirstMoment()
    {
        await _lab.Networks.CreateAsync("front", cancellationToken: Box.Token);
        await using var web = await _lab.StartAsync(Box.Web("hello").WithName("web").WithNetwork("front"));
        for (var i = 0; i < 5; i++)
        {
            var result = await _lab.Engine.RunAsync(Box.Shell("nslookup web >/dev/null && nslookup me >/dev/null && cat /etc/hosts").WithName("me").WithNetwork("front"), Box.Token);
            Assert.True(result.IsSuccess, result.StandardOutput.Text + result.StandardError.Text);
        }
    }

    [Fact]
    public async Task Service_HasTheAddressesOfAllWhoHaveTheAlias()
    {
        await _lab.Networks.CreateAsync("front", cancellationToken: Box.Token);
        await using var client = await _lab.StartAsync(Box.Sleeper.WithNetwork("front"));
        var one = await _lab.StartAsync(Box.Sleeper.WithNetwork("front", aliases: ["pool"]));
        await using var two = await _lab.StartAsync(Box.Sleeper.WithNetwork("front", aliases: ["pool"]));
        var left = two.Networks[0].Address!.ToString();
        Assert.Equal(new[] { one.Networks[0].Address!.ToString(), left }.Order(StringComparer.Ordinal), await LookUpAsync(client, "pool"));

        await one.DisposeAsync();
        Assert.Equal([left], await LookUpAsync(client, "pool"));
    }

    [Fact]
    public async Task Names_FollowContainersThatConnectAndDisconnect()
    {
        await _lab.Networks.CreateAsync("front", cancellationToken: Box.Token);
        await _lab.Networks.CreateAsync("back", cancellationToken: Box.Token);
        await using var client = await _lab.StartAsync(Box.Sleeper.WithName("client").WithNetwork("front"));
        await using var database = await _lab.StartAsync(Box.Sleeper.WithName("db").WithNetwork("back"));
        Assert.Empty(await LookUpAsync(client, "db"));

        await _lab.Networks.ConnectAsync("back", client, new NetworkConnection { Aliases = ["second"] }, Box.Token);
        Assert.Equal([database.Networks[0].Address!.ToString()], await LookUpAsync(client, "db"));
        Assert.Equal([client.Networks[1].Address!.ToString()], await LookUpAsync(database, "second"));

        await _lab.Networks.DisconnectAsync("back", client, Box.Token);
        Assert.Empty(await LookUpAsync(client, "db"));
        Assert.Equal(["198.51.100.7"], await LookUpAsync(database, "second"));
        Assert.DoesNotContain(_resolver.Asked, static asked => IsOf(asked.Query, "db"));
    }

    [Fact]
    public async Task Networks_DoNotSeeEachOthersNamesNorServers()
    {
        var front = await _lab.Networks.CreateAsync("front", cancellationToken: Box.Token);
        var back = await _lab.Networks.CreateAsync("back", cancellationToken: Box.Token);
        await using var client = await _lab.StartAsync(Box.Sleeper.WithNetwork("front"));
        await using var database = await _lab.StartAsync(Box.Sleeper.WithName("db").WithNetwork("back", aliases: ["data"]));
        foreach (var name in new[] { "db", "data", "db.back", database.Id[..12] })
        {
            Assert.Empty(await LookUpAsync(client, name));
        }

        Assert.Empty(_resolver.Asked);
        Assert.False(await Box.SucceedsInAsync(client, $"timeout 3 nslookup db {back.Gateway}"));
        Assert.NotEmpty(await LookUpAsync(database, "db"));

        // Nor does the host, whose address is no container's.
        var ports = Host.Run("ss", "-Hlun", $"src {front.Gateway}").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var port = ports.First(word => word.StartsWith($"{front.Gateway}:", StringComparison.Ordinal)).Split(':')[1];
        Assert.Contains("REFUSED", Host.Run("dig", "-p", port, $"@{front.Gateway}", "db"), StringComparison.Ordinal);
        using var outside = Machine.Create();
        Assert.Throws<Xunit.Sdk.TrueException>(() => outside.Run("dig", "+tries=1", "+time=1", "-p", port, $"@{front.Gateway}", "db"));
    }

    [Fact]
    public async Task InternalNetwork_LeaksNoQuery()
    {
        await _lab.Networks.CreateAsync("inside", new NetworkOptions { Internal = true }, Box.Token);
        await using var web = await _lab.StartAsync(Box.Web("hello").WithName("web").WithNetwork("inside"));
        await using var client = await _lab.StartAsync(Box.Sleeper.WithNetwork("inside"));
        Assert.Equal("hello\n", await Box.InAsync(client, "wget -qO- http://web/"));
        foreach (var name in new[] { "example.org", "secret.attacker.example", "nobody", "web.example.org", "8.8.8.8" })
        {
            Assert.False(await Box.SucceedsInAsync(client, $"timeout 5 nslookup {name}"));
        }

        // Nor past its own server, to the host's.
        Assert.False(await Box.SucceedsInAsync(client, $"timeout 3 nslookup example.org {_resolver.EndPoint.Address}"));
        Assert.Empty(_resolver.Asked);
    }

    [Fact]
    public async Task Servers_GivenForAContainerAreAskedForIt()
    {
        using var given = new PlaybackResolver("203.0.113.9", new IPEndPoint(IPAddress.Parse("127.53.0.1"), 53));
        using var other = Machine.Create();
        var front = await _lab.Networks.CreateAsync("front", cancellationToken: Box.Token);
        _lab.Host.Addresses.Add(new InterfaceAddress(_lab.Host.Links.Get("lo").Index, IPAddress.Parse("198.51.100.53"), 32));
        using var second = new PlaybackResolver("203.0.113.10", IPEndPoint.Parse("198.51.100.53:53"));
        await using var web = await _lab.StartAsync(Box.Web("hello").WithName("web").WithNetwork("front"));
        await using var client = await _lab.StartAsync(Box.Sleeper.WithNetwork("front").WithDns(IPAddress.Parse("198.51.100.53")));
        Assert.Equal(["203.0.113.10"], await LookUpAsync(client, "example.org"));
        Assert.Equal([web.Networks[0].Address!.ToString()], await LookUpAsync(client, "web"));

        // A loopback is the container's own, never the host's.
        var own = await _lab.Engine.RunAsync(Box.Shell("cat /etc/resolv.conf").WithNetwork("front").WithDns(IPAddress.Parse("127.53.0.1")), Box.Token);
        Assert.Equal("nameserver 127.53.0.1\n", own.StandardOutput.Text);
        Assert.Empty(given.Asked);
        Assert.Empty(_resolver.Asked);
    }

    [Fact]
    public async Task Server_OfTheHostAtThePortOfAllAddressesDoesNotMatter()
    {
        _resolver.Dispose();
        using var everywhere = new PlaybackResolver("203.0.113.66", new IPEndPoint(IPAddress.Any, 53));
        await _lab.Networks.CreateAsync("front", cancellationToken: Box.Token);
        await using var client = await _lab.StartAsync(Box.Sleeper.WithName("client").WithNetwork("front"));
        Assert.Equal([client.Networks[0].Address!.ToString()], await LookUpAsync(client, "client"));
        Assert.Empty(everywhere.Asked);
    }

    [Fact]
    public async Task Network_ThatIsRemovedLeavesNoServerAndNoRule()
    {
        var first = await _lab.Networks.CreateAsync("first", cancellationToken: Box.Token);
        var second = await _lab.Networks.CreateAsync("second", cancellationToken: Box.Token);
        Assert.Contains($"chain names-{second.Bridge}", Host.Run("nft", "list", "ruleset"), StringComparison.Ordinal);
        Assert.Equal(2, Sockets());
        await _lab.Networks.RemoveAsync("second", Box.Token);
        Assert.Equal(0, Sockets());
        var rules = Host.Run("nft", "list", "ruleset");
        Assert.DoesNotContain($"{second.Bridge}", rules, StringComparison.Ordinal);
        Assert.Contains($"chain names-{first.Bridge}", rules, StringComparison.Ordinal);

        int Sockets() => Host.Run("ss", "-Hlntu").Split('\n').Count(line => line.Contains($"{second.Gateway}:", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        _resolver?.Dispose();
        await _lab.DisposeAsync();
    }

    /// <summary>The addresses that busybox finds for a name, in their order.</summary>
    private static async Task<string[]> LookUpAsync(Container container, string name)
    {
        var found = await Box.InAsync(container, $"nslookup -type=a {name} | sed -n '4,$s/^Address: //p'");
        return [.. found.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
    }

    private static bool IsOf(byte[] query, string name) => query.AsSpan().IndexOf(DnsBytes.Name(name)) >= 0;
}
