using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Containers.Netlink;
using Containers.Rtnetlink;
using Containers.Tests.Ports;

namespace Containers.Tests.Networks;

/// <summary>What a host that dies leaves, and what the next engine does with it.</summary>
public class HostDeathTests
{
    private const int Rounds = 50;
    private const int Deaths = 20;

    [Fact]
    public async Task HostKilledAtAnyMoment_LeavesNothingThatTheNextEngineDoesNotTakeAway()
    {
        using var host = TestNamespace.Create();
        using var state = new TestDirectory();
        host.Route.Links.SetUp(host.Route.Links.Get("lo").Index);

        // What belongs to others, and looks much like ours.
        host.Run("ip", "link", "add", "other0", "type", "bridge");
        host.Run("ip", "link", "add", "cbr-other", "type", "bridge");
        host.Run("ip", "link", "add", "cv-0123456789ab", "type", "veth", "peer", "name", "peer0");
        host.Run("ip", "link", "set", "cv-0123456789ab", "master", "other0");
        host.Run("nft", "add table inet containers-other; add chain inet containers-other c");
        var before = Links(host);
        var random = new Random(20261126);
        for (var round = 0; round < Rounds; round++)
        {
            using var dying = NetworkHost.Start(host, state.Path + "/state", "churn");
            Assert.Equal("running", await dying.ReadLineAsync());
            await Task.Delay(random.Next(1, 400), Box.Token);
            dying.Kill();

            // The kernel's part: rules go with the process; and with a child of it that was just about to become another program. What keeps
            // containers from the host's loopback stays as long as the bridge does.
            await Wait.UntilAsync(() => Tables(host).TrueForAll(static table => table == "Inet containers-other" || table.StartsWith("Ip ", StringComparison.Ordinal)));
        }

        Assert.NotEqual(before, Links(host));
        using (var last = NetworkHost.Start(host, state.Path + "/state", "once"))
        {
            Assert.Equal("ran", await last.ReadLineAsync());
            await last.EndAsync();
        }

        await Wait.UntilAsync(() => Links(host) == before);
        Assert.Equal(["Inet containers-other"], Tables(host));
        Assert.Empty(Directory.GetDirectories(state.Path + "/state"));
    }

    [Fact]
    public async Task Containers_DieBeforeTheRulesThatKeepThemFromTheHost()
    {
        using var host = TestNamespace.Create();
        using var state = new TestDirectory();
        host.Route.Links.SetUp(host.Route.Links.Get("lo").Index);
        using var service = Client.Open(host.Namespace, AddressFamily.InterNetwork, SocketType.Dgram);
        service.Bind(new IPEndPoint(IPAddress.Any, 0));
        for (var round = 0; round < Deaths; round++)
        {
            using var dying = NetworkHost.Start(host, state.Path + "/state", string.Create(CultureInfo.InvariantCulture, $"attack:{((IPEndPoint)service.LocalEndPoint!).Port}"));
            _ = IPAddress.Parse(await dying.ReadLineAsync());
            await Wait.UntilAsync(() => host.Run("nft", "list", "ruleset").Split('\n').Any(static rule => rule.EndsWith("goto refused", StringComparison.Ordinal) && !rule.Contains("packets 0 ", StringComparison.Ordinal)));
            Assert.Equal(0, service.Available);
            dying.Kill();
            await Wait.UntilAsync(() => Tables(host).TrueForAll(static table => table.StartsWith("Ip ", StringComparison.Ordinal)));
            Assert.Equal(0, service.Available);
        }
    }

    [Fact]
    public async Task OwnerOfTheRules_IsHeldByTheGuardianAlone()
    {
        await using var lab = new NetworkLab();
        await using var before = await lab.StartAsync(Box.Sleeper);
        await lab.Networks.CreateAsync("held", cancellationToken: Box.Token);
        await using var plain = await lab.StartAsync(Box.Sleeper.WithNetwork("held"));
        await using var initial = await lab.StartAsync(Box.Sleeper.WithNetwork("held").WithInit());
        await Box.InAsync(plain, "true");
        var owner = new FileInfo($"/proc/self/fd/{lab.Networks.Firewall!.Client.Descriptor.Number}").LinkTarget!;

        var holders = Holders(owner);
        Assert.Equal(2, holders.Count);
        Assert.Contains("self", holders);
        var guardian = Assert.Single(holders, static holder => holder != "self");
        Assert.Equal(new FileInfo("/proc/self/ns/net").LinkTarget, new FileInfo($"/proc/{guardian}/ns/net").LinkTarget);
        Assert.Contains($"PPid:\t{guardian}\n", await File.ReadAllTextAsync($"/proc/{plain.ProcessId}/status", Box.Token), StringComparison.Ordinal);

        // Given back with the rules, which the last network takes along.
        await plain.DisposeAsync();
        await initial.DisposeAsync();
        await lab.Networks.RemoveAsync("held", Box.Token);
        await Wait.UntilAsync(() => Holders(owner).Count == 0);
    }

    [Fact]
    public async Task LivingEngine_IsNotTakenForADeadOne()
    {
        using var host = TestNamespace.Create();
        using var state = new TestDirectory();
        using var living = NetworkHost.Start(host, state.Path + "/one", "router:http://192.0.2.1/");
        await living.ReadLineAsync();
        var links = Links(host);
        using (var other = NetworkHost.Start(host, state.Path + "/other", "once"))
        {
            Assert.Equal("ran", await other.ReadLineAsync());
            await other.EndAsync();
        }

        await Wait.UntilAsync(() => Links(host) == links);

        // The rules of routing, those of loopback that outlive the process, and those at the cables.
        Assert.Collection(
            Tables(host),
            static table => Assert.Matches("^Inet containers-[0-9a-f]{8}$", table),
            static table => Assert.Matches("^Ip containers-[0-9a-f]{8}$", table),
            static table => Assert.Matches("^Netdev containers-[0-9a-f]{8}$", table));
        Assert.Single(Tables(host).Select(static table => table.Split(' ')[1]).Distinct(StringComparer.Ordinal));
        await living.EndAsync();
        Assert.Empty(Tables(host));
    }

    [Fact]
    public async Task HostThatDidNotForward_IsNoRouterBetweenItsOtherNetworks()
    {
        using var host = TestNamespace.Create();
        using var state = new TestDirectory();
        KernelSettings.Write(host.Namespace, ("ipv4/ip_forward", "0"));
        using var one = Machine.Create(host);
        using var two = Machine.Create(host);
        using var service = new TinyServer(two.Space);
        using var engine = NetworkHost.Start(host, state.Path + "/state", $"router:http://{two.Address}:{service.Port}/");
        Assert.Equal("forwarding 0 1; container out True; warned 1", await engine.ReadLineAsync());
        Assert.ThrowsAny<Exception>(() => one.Run("curl", "-s", "-m", "1", $"http://{two.Address}:{service.Port}/"));
        await engine.EndAsync();
    }

    [Fact]
    public async Task HostThatForwards_GoesOnAsItDid()
    {
        using var host = TestNamespace.Create();
        using var state = new TestDirectory();
        KernelSettings.Write(host.Namespace, ("ipv4/ip_forward", "1"));
        using var one = Machine.Create(host);
        using var two = Machine.Create(host);
        using var service = new TinyServer(two.Space);
        using var engine = NetworkHost.Start(host, state.Path + "/state", $"router:http://{two.Address}:{service.Port}/");
        Assert.Equal("forwarding 1 1; container out True; warned 0", await engine.ReadLineAsync());
        Assert.Equal(TinyServer.Answer + one.Address, one.Run("curl", "-s", "-m", "2", $"http://{two.Address}:{service.Port}/"));
        await engine.EndAsync();
    }

    private static string Links(TestNamespace host) => string.Join(' ', host.Route.Links.List().Select(static link => $"{link.Name}@{link.Master}").Order(StringComparer.Ordinal));

    private static List<string> Tables(TestNamespace host)
    {
        using var rules = Containers.Nftables.NftablesClient.Open(host.Namespace);
        return [.. rules.ListTables().Select(static table => $"{table.Table.Family} {table.Table.Name}").Order(StringComparer.Ordinal)];
    }

    /// <summary>Who has the socket open.</summary>
    private static List<string> Holders(string socket) => [.. Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(static name => name!.All(char.IsAsciiDigit)).Where(pid =>
    {
        try
        {
            return Directory.GetFiles($"/proc/{pid}/fd").Any(fd => new FileInfo(fd).LinkTarget == socket);
        }
        catch (IOException)
        {
            return false;
        }
    }).Select(static pid => pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture) ? "self" : pid!)];
}
