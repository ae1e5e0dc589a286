using System.Net;
using System.Net.Sockets;
using Containers.Netlink;
using Containers.Tests.Networks;
using Containers.Tests.Ports;

namespace Containers.Tests.Egress;

/// <summary>Policies of containers, seen from inside with busybox, and from outside.</summary>
public class ContainerEgressTests
{
    [Fact]
    public async Task WithEgress_ReachesWhatIsAllowedAndNothingElse()
    {
        await using var lab = new NetworkLab();
        using var away = Machine.Create();
        using var served = new EgressServers(away.Space.Namespace, away.Address, 443, 80);
        using var host = new EgressServers(null, IPAddress.Any, 9999);
        await using var other = await lab.StartAsync(Box.Web("other").WithNetwork("bridge"));
        var otherAddress = other.Networks[0].Address;
        await using var job = await lab.StartAsync(Box.Sleeper.WithEgress(policy => policy.Allow($"{away.Address}/24".Replace(".2/", ".0/", StringComparison.Ordinal), 443).Allow("0.0.0.0/0", 9999)));

        Assert.Equal("bridge", job.Networks[0].Network);
        Assert.True(await Box.SucceedsInAsync(job, $"nc -w 3 {away.Address} 443 </dev/null"));
        var gateway = (await lab.Networks.InspectAsync("bridge", Box.Token)).Gateway;
        foreach (var (address, port) in new[] { (away.Address.ToString(), 80), (otherAddress.ToString(), 80), ($"{gateway}", 9999), (away.HostAddress.ToString(), 9999), ("169.254.169.254", 80) })
        {
            var started = TimeProvider.System.GetTimestamp();
            Assert.False(await Box.SucceedsInAsync(job, $"nc -w 5 {address} {port} </dev/null"), $"{address}:{port}");
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(3), $"{address}:{port} was not refused at once");
        }

        var usage = await job.GetEgressAsync(Box.Token);
        Assert.Equal(5, usage.Refused.Count);
        Assert.Contains(new RefusedDestination(otherAddress, 6, 80, 1), usage.Refused);
        Assert.True(usage.SentPackets > 3);
        Assert.Equal(0, usage.SpoofedPackets);

        await job.StopAsync(TimeSpan.FromSeconds(5), Box.Token);
        var after = await job.GetEgressAsync(Box.Token);
        Assert.True(after.RefusedPackets >= usage.RefusedPackets);
        await GoneAsync(job.Id[..12], "nft", "list", "ruleset");
    }

    [Fact]
    public async Task AllowHost_ReachesTheHostsServiceByAnyOfItsAddresses()
    {
        await using var lab = new NetworkLab();
        using var away = Machine.Create();
        using var host = new EgressServers(null, IPAddress.Any, 9998, 9997);
        await using var job = await lab.StartAsync(Box.Sleeper.WithEgress(static policy => policy.AllowHost(9998)));
        var gateway = (await lab.Networks.InspectAsync("bridge", Box.Token)).Gateway;
        Assert.True(await Box.SucceedsInAsync(job, $"nc -w 3 {gateway} 9998 </dev/null"));
        Assert.True(await Box.SucceedsInAsync(job, $"nc -w 3 {away.HostAddress} 9998 </dev/null"));
        Assert.False(await Box.SucceedsInAsync(job, $"nc -w 3 {gateway} 9997 </dev/null"));

        // Without a policy that says so, the bridge has none of the host's services.
        await using var other = await lab.StartAsync(Box.Sleeper.WithNetwork("bridge"));
        Assert.False(await Box.SucceedsInAsync(other, $"nc -w 3 {gateway} 9998 </dev/null"));
        var rules = Host.Run("nft", "list", "ruleset");
        Assert.Contains("host-cv-", rules, StringComparison.Ordinal);
        await job.StopAsync(TimeSpan.FromSeconds(5), Box.Token);
        await GoneAsync("host-cv-", "nft", "list", "ruleset");
    }

    [Fact]
    public async Task TwoNetworks_HaveOnePolicyAndOneCount()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("first", null, Box.Token);
        await lab.Networks.CreateAsync("second", new NetworkOptions { IPv6 = true }, Box.Token);
        await using var web = await lab.StartAsync(Box.Web("hello").WithNetwork("first").WithNetwork("second"));
        var at = web.Networks;
        await using var job = await lab.StartAsync(Box.Sleeper.WithNetwork("first").WithEgress(policy => policy.Allow(at[0].Address.ToString(), 80).Allow(at[1].Address6!.ToString(), 80)));
        Assert.True(await Box.SucceedsInAsync(job, $"nc -w 3 {at[0].Address} 80 </dev/null"));
        await lab.Networks.ConnectAsync("second", job, cancellationToken: Box.Token);
        Assert.True(await Box.SucceedsInAsync(job, $"nc -w 3 {at[1].Address6} 80 </dev/null"));
        Assert.False(await Box.SucceedsInAsync(job, $"nc -w 3 {at[1].Address} 80 </dev/null"));
        await lab.Networks.DisconnectAsync("second", job, Box.Token);
        var usage = await job.GetEgressAsync(Box.Token);
        Assert.Equal(new RefusedDestination(at[1].Address, 6, 80, 1), Assert.Single(usage.Refused));
    }

    [Fact]
    public async Task AllowName_ReachesWhatTheNamesServerAnsweredAndResolvesNothingElse()
    {
        await using var lab = new NetworkLab();
        using var away = Machine.Create();
        using var served = new EgressServers(away.Space.Namespace, away.Address, 443, 444);
        using var resolver = new AwayResolver(away.Space.Namespace, away.Address);
        await lab.Networks.CreateAsync("names", null, Box.Token);
        await using var web = await lab.StartAsync(Box.Web("hello").WithName("web").WithNetwork("names"));
        await using var job = await lab.StartAsync(Box.Sleeper.WithNetwork("names").WithDns(away.Address)
            .WithEgress(static policy => policy.AllowName("web", 80).AllowName("allowed.example", 443)));
        var webAddress = web.Networks[0].Address;

        Assert.False(await Box.SucceedsInAsync(job, $"nc -w 3 {webAddress} 80 </dev/null"));
        Assert.False(await Box.SucceedsInAsync(job, $"nc -w 3 {away.Address} 443 </dev/null"));
        Assert.Contains(webAddress.ToString(), await Box.InAsync(job, "nslookup -type=a web || true"), StringComparison.Ordinal);
        Assert.True(await Box.SucceedsInAsync(job, $"nc -w 3 {webAddress} 80 </dev/null"));

        Assert.DoesNotContain(away.Address + "\n", (await Box.InAsync(job, "nslookup -type=a other.example 2>&1 | tail -n +3 || true")) + "\n", StringComparison.Ordinal);
        Assert.False(await Box.SucceedsInAsync(job, $"nc -w 3 {away.Address} 443 </dev/null"));
        Assert.Empty(resolver.Asked);
        Assert.Contains(away.Address.ToString(), await Box.InAsync(job, "nslookup -type=a allowed.example 2>&1 || true"), StringComparison.Ordinal);
        Assert.True(await Box.SucceedsInAsync(job, $"nc -w 3 {away.Address} 443 </dev/null"));
        Assert.False(await Box.SucceedsInAsync(job, $"nc -w 3 {away.Address} 444 </dev/null"));
        Assert.Contains("allowed.example", resolver.Asked);
    }

    [Fact]
    public async Task Six_ReachesWhatIsAllowedAndNothingElse()
    {
        await using var lab = new NetworkLab();
        using var away = Machine.Create();
        using var served = new EgressServers(away.Space.Namespace, away.Address6, 443, 80);
        using var host = new EgressServers(null, IPAddress.IPv6Any, 9999);
        var network = await lab.Networks.CreateAsync("six", new NetworkOptions { IPv6 = true }, Box.Token);
        await using var other = await lab.StartAsync(Box.Web("other").WithNetwork("six"));
        await using var job = await lab.StartAsync(Box.Sleeper.WithNetwork("six").WithEgress(policy => policy.Allow($"{away.Address6}"[..^1] + "/64", 443).Allow("::/0", 9999).Allow("::/0", 80, PortProtocol.Udp)));
        Assert.True(await Box.SucceedsInAsync(job, $"nc -w 3 {away.Address6} 443 </dev/null"));
        var linkLocal = Host.Run("ip", "-6", "-o", "addr", "show", "dev", network.Bridge!, "scope", "link").Split(' ', StringSplitOptions.RemoveEmptyEntries)[3].Split('/')[0];
        foreach (var (address, port) in new[]
        {
            ($"{away.Address6}", 80), ($"{other.Networks[0].Address6}", 80), ($"{network.Gateway6}", 9999), ($"{away.HostAddress6}", 9999), ($"{linkLocal}%eth0", 9999), ("fd00:ec2::254", 9999),
        })
        {
            var started = TimeProvider.System.GetTimestamp();
            Assert.False(await Box.SucceedsInAsync(job, $"nc -w 5 {address} {port} </dev/null"), $"{address}:{port}");
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(3), $"{address}:{port} was not refused at once");
        }

        // It is found all the same, and finds others.
        Assert.True(await Box.SucceedsInAsync(other, $"ping -6 -c 1 -W 3 {job.Networks[0].Address6} > /dev/null || true; ip -6 neigh show {job.Networks[0].Address6} | grep -q lladdr"));
        Assert.Equal(0, (await job.GetEgressAsync(Box.Token)).SpoofedPackets);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PublishedPort_OfAContainerThatMayReachNothingIsAnswered(bool six)
    {
        await using var lab = new NetworkLab();
        using var away = Machine.Create();
        using var served = new EgressServers(away.Space.Namespace, six ? away.Address6 : away.Address, 443);
        await lab.Networks.CreateAsync("published", new NetworkOptions { IPv6 = six }, Box.Token);
        await using var neighbour = await lab.StartAsync(Box.Sleeper.WithNetwork("published"));
        await using var web = await lab.StartAsync(Box.Shell("mkdir /www; echo published > /www/index.html; httpd -f -p 8000 -h /www & echo $! > /tmp/server; sleep 600")
            .WithNetwork("published").WithPort(8000).WithEgress(EgressPolicy.Nothing));
        await using var echo = await lab.StartAsync(Box.Sleeper.WithNetwork("published").WithPort(9000, 0, PortProtocol.Udp).WithEgress(EgressPolicy.Nothing));
        var there = six ? $"[{away.HostAddress6}]" : $"{away.HostAddress}";
        Assert.Equal("published\n", await Box.InAsync(neighbour, $"wget -qO- http://{web.Networks[0].Address}:8000/"));

        // From outside, from the host's own addresses, over loopback, and from a container by the host's port.
        Assert.Equal("published\n", away.Run("curl", "-s", "-m", "5", $"http://{there}:{web.GetPort(8000)}/"));
        Assert.Equal("published\n", Host.Run("curl", "-s", "-m", "5", $"http://{there}:{web.GetPort(8000)}/"));
        Assert.Equal("published\n", Host.Run("curl", "-s", "-m", "5", $"http://{(six ? "[::1]" : "127.0.0.1")}:{web.GetPort(8000)}/"));
        Assert.Equal("published\n", await Box.InAsync(neighbour, $"timeout 5 wget -qO- http://{there}:{web.GetPort(8000)}/"));
        using var inside = NetworkNamespace.Of(echo.ProcessId!.Value);
        await using var datagrams = EchoServer.Start(IPAddress.IPv6Any, 9000, inside, SocketType.Dgram);
        Assert.Equal($"{(six ? away.Address6 : away.Address)}",
            await Client.HearAsync(away.Space.Namespace, new IPEndPoint(six ? away.HostAddress6 : away.HostAddress, echo.GetPort(9000, PortProtocol.Udp)), SocketType.Dgram));

        // Who came is not called back, nor is anybody else, also not from the port that answered.
        await Box.InAsync(web, "kill $(cat /tmp/server)");
        foreach (var from in new[] { "", "-p 8000 " })
        {
            foreach (var to in new[] { $"{(six ? away.Address6 : away.Address)} 443", $"{neighbour.Networks[0].Address} 80" })
            {
                var called = await web.ExecAsync(["/bin/sh", "-c", $"nc -w 3 {from}{to} </dev/null"], options: null, Box.Token);
                Assert.False(called.IsSuccess);
                Assert.DoesNotContain("in use", called.StandardError.Text, StringComparison.Ordinal);
            }
        }

        Assert.True((await web.GetEgressAsync(Box.Token)).RefusedPackets >= 2);
    }

    [Fact]
    public async Task RawSockets_SendNothingThatIsNotTheContainersOwn()
    {
        await using var lab = new NetworkLab();
        await using var victim = await lab.StartAsync(Box.Sleeper.WithNetwork("bridge"));
        await using var attacker = await lab.StartAsync(Box.Sleeper.WithNetwork("bridge").WithCapability(Capability.NetRaw).WithCapability(Capability.NetAdmin));
        var gateway = (await lab.Networks.InspectAsync("bridge", Box.Token)).Gateway!;
        await Box.InAsync(victim, $"ping -c 1 -W 2 {gateway} || true");
        var before = await Box.InAsync(victim, "cat /proc/net/arp");

        // With the capability it takes the gateway's address, and says so to everybody; and another hardware address.
        await Box.InAsync(attacker, $"ip addr add {gateway}/32 dev eth0; arping -U -c 2 -I eth0 -s {gateway} {victim.Networks[0].Address} || true");
        Assert.False(await Box.SucceedsInAsync(attacker, $"ping -c 1 -W 1 -I {gateway} {victim.Networks[0].Address}"));
        await Box.InAsync(attacker, "ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:77; ip link set eth0 up");
        Assert.False(await Box.SucceedsInAsync(attacker, $"ping -c 1 -W 1 {victim.Networks[0].Address}"));
        Assert.Equal(before, await Box.InAsync(victim, "cat /proc/net/arp"));
        Assert.DoesNotContain("02:00:00:00:00:77", Host.Run("ip", "neigh"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithNetworkRate_IsTheRate()
    {
        await using var lab = new NetworkLab();
        await using var job = await lab.StartAsync(Box.Shell("nc -l -p 5000 < /dev/zero > /dev/null & nc -l -p 5001 > /dev/null & sleep 600").WithNetwork("bridge")
            .WithNetworkRate(sentBytesPerSecond: 2.MB, receivedBytesPerSecond: 1.MB));
        var address = job.Networks[0].Address;
        Assert.InRange(await Rate(address, 5000, receive: true), 1.5e6, 2.6e6);
        Assert.InRange(await Rate(address, 5001, receive: false), 0.7e6, 1.6e6);
    }

    /// <summary>What a container leaves behind is taken away a moment after its end.</summary>
    private static async Task GoneAsync(string text, string program, params string[] arguments)
    {
        for (var attempt = 0; Host.Run(program, arguments).Contains(text, StringComparison.Ordinal); attempt++)
        {
            Assert.True(attempt < 100, Host.Run(program, arguments));
            await Task.Delay(20, Box.Token);
        }
    }

    private static async Task<double> Rate(IPAddress address, int port, bool receive)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await socket.ConnectAsync(address, port, Box.Token);
                break;
            }
            catch (SocketException) when (attempt < 100)
            {
                await Task.Delay(20, Box.Token);
            }
        }

        var buffer = new byte[64 * 1024];
        var started = TimeProvider.System.GetTimestamp();
        var bytes = 0L;
        while (TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(2))
        {
            bytes += receive ? await socket.ReceiveAsync(buffer, Box.Token) : await socket.SendAsync(buffer, Box.Token);
        }

        return bytes / TimeProvider.System.GetElapsedTime(started).TotalSeconds;
    }
}
