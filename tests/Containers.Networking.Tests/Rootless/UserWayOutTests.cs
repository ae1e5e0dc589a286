using System.Globalization;
using System.Net;
using Containers.Rtnetlink;
using Containers.Tests.Egress;
using Containers.Tests.Networks;

namespace Containers.Tests.Rootless;

/// <summary>What leaves the containers of an ordinary user, and what does not, through a real pasta on a host of the test's own.</summary>
public class UserWayOutTests
{
    /// <summary>By a socket that anybody may have in a container with a network (net.ipv4.ping_group_range); the checksum is the kernel's there.</summary>
    private const string Ping = "socket(my $s, AF_INET, SOCK_DGRAM, 1) or die $!; send $s, pack(q{CCnnn}, 8, 0, 0, 0, 1), 0, pack_sockaddr_in(0, inet_aton($ARGV[0])); $SIG{ALRM} = sub { die }; alarm 3; recv $s, my $r, 99, 0; print q{ok}";

    [Fact]
    public async Task Container_ReachesTheOutsideWithTheHostsAddress()
    {
        using var host = new UserHost();
        using var service = new TinyServer(host.Outside.Space);

        // A pasta of 2023 may answer the first packet of a connection over IPv6 only when that is sent a third time.
        string Get(IPAddress address) => "busybox " + service.GetFrom(address).Replace("timeout 2", "timeout 20", StringComparison.Ordinal);
        var lines = await host.RunAsync($"user-run:{Get(host.Outside.Address)}; echo; {Get(host.Outside.Address6)}; echo; perl -MSocket -e '{Ping}' {host.Outside.Address}");
        Assert.Equal($"{TinyServer.Answer}{host.Outside.HostAddress}|{TinyServer.Answer}{host.Outside.HostAddress6}|ok", lines[0]);

        // What came and what went is counted.
        var bytes = lines[1].Split(' ').Select(static number => long.Parse(number, CultureInfo.InvariantCulture)).ToArray();
        Assert.All(bytes, static count => Assert.InRange(count, 500, 50_000));
    }

    [Fact]
    public async Task Names_AreAskedOfTheHostsResolverWhereverThatIs()
    {
        using var host = new UserHost();
        using var service = new TinyServer(host.Outside.Space);
        using var away = new AwayResolver(host.Outside.Space.Namespace, host.Outside.Address);
        var ask = $"user-run:cat /etc/resolv.conf; timeout 20 busybox wget -qO- http://outside.example.test:{service.Port}/";
        Assert.Equal($"nameserver {host.Outside.Address}|search example.test|{TinyServer.Answer}{host.Outside.HostAddress}", (await host.RunAsync(ask))[0]);
        Assert.Contains("outside.example.test", away.Asked);

        foreach (var address in new[] { IPAddress.Parse("127.0.0.53"), UserHost.Further, IPAddress.IPv6Loopback })
        {
            var seen = address.Equals(IPAddress.IPv6Loopback) ? "fd00:ec2::1:1" : "169.254.1.1";
            host.Resolver(address);
            using var local = new AwayResolver(host.Space.Namespace, address, host.Outside.Address);
            Assert.Equal($"nameserver {seen}|search example.test|{TinyServer.Answer}{host.Outside.HostAddress}", (await host.RunAsync(ask))[0]);
            Assert.Contains("outside.example.test", local.Asked);
        }
    }

    [Fact]
    public async Task Host_IsNotReachedByAnyOfItsAddresses()
    {
        // Each is tried as it is, and from a socket bound to the interface, which passes the loopback by.
        using var host = new UserHost();
        using var service = new TinyServer(host.Space);
        using var outside = new TinyServer(host.Outside.Space);
        var sixes = host.Space.Route.Addresses.List().Select(static address => address.Address).Where(static address => address.IsIPv6LinkLocal).ToArray();
        IPAddress[] own =
        [
            IPAddress.Loopback, IPAddress.Parse("127.0.0.53"), IPAddress.Any, IPAddress.Parse("0.0.0.1"), UserHost.Further, host.Outside.HostAddress, IPAddress.Parse("169.254.1.1"),
            IPAddress.IPv6Loopback, host.Outside.HostAddress6, .. sixes,
        ];
        var tries = own.Select(address => (Address: address, service.Port)).Append((host.Outside.Address, outside.Port));
        var script = string.Join(' ', tries.Select(static target => string.Create(CultureInfo.InvariantCulture, $"'{target.Address.ToString().Split('%')[0]},{target.Port}'")));
        const string Try = """
            use Socket qw(:all); use IO::Select;
            for (@ARGV) {
              my ($host, $port) = split /,/;
              for my $device ("", "eth0") {
                my $six = $host =~ /:/;
                socket(my $s, $six ? AF_INET6 : AF_INET, SOCK_STREAM, 0) or die;
                setsockopt($s, SOL_SOCKET, 25, $device) or die "bind: $!" if $device;
                $s->blocking(0); use IO::Handle;
                my $at = $six ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $host), $host =~ /^fe80/ ? 2 : 0) : pack_sockaddr_in($port, inet_aton($host));
                connect $s, $at;
                my $ok = IO::Select->new($s)->can_write(1.5) && defined getpeername $s;
                print "$host ", $device || "-", $ok ? " REACHED\n" : " no\n";
              }
            }
            """;
        var lines = await host.RunAsync($"user-run:cat > /tmp/try.pl <<'EOF'\n{Try}\nEOF\nperl /tmp/try.pl {script}");
        var results = lines[0].Split('|');
        Assert.Equal((own.Length + 1) * 2, results.Length);
        Assert.Equal([$"{host.Outside.Address} - REACHED", $"{host.Outside.Address} eth0 REACHED"], results[^2..]);
        Assert.All(results[..^2], static result => Assert.EndsWith(" no", result, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Datagrams_DoNotReachTheHostEither()
    {
        using var host = new UserHost();
        using var socket = host.Space.Namespace.Run(static () => new System.Net.Sockets.UdpClient(new IPEndPoint(IPAddress.Any, 0)));
        var port = ((IPEndPoint)socket.Client.LocalEndPoint!).Port;
        var tries = string.Join(", ", new[] { "127.0.0.1", "10.9.9.9", "169.254.1.1", host.Outside.HostAddress.ToString() }.Select(static address => $"'{address}'"));
        var lines = await host.RunAsync($"user-run:perl -MSocket -e \"for (map {{ (\\$_, \\$_) }} {tries}) {{ socket(my \\$s, AF_INET, SOCK_DGRAM, 0); setsockopt(\\$s, SOL_SOCKET, 25, 'eth0') if \\$i++ % 2; send \\$s, 'x', 0, pack_sockaddr_in({port}, inet_aton(\\$_)) }} print 'sent'\"");
        Assert.Equal("sent", lines[0]);
        Assert.Equal(0, socket.Available);
    }

    [Fact]
    public async Task AddressThatTheHostGetsLater_IsNotReachedEither()
    {
        using var host = new UserHost();
        using var service = new TinyServer(host.Space);
        var later = IPAddress.Parse("10.9.9.10");

        // The job runs when the host gets it.
        using var process = host.Start($"user-run:busybox sleep 2.718; for i in 1 2 3; do busybox {service.GetFrom(later)} && exit; done; echo none");
        await Wait.UntilAsync(static () => Directory.EnumerateDirectories("/proc").Any(static directory => HasArgument(directory, "2.718")));
        host.Space.Route.Addresses.Add(new InterfaceAddress(1, later, 32));
        process.StandardInput.Close();
        Assert.StartsWith("none", await process.StandardOutput.ReadLineAsync(Box.Token), StringComparison.Ordinal);
        await process.WaitForExitAsync(Box.Token);
    }

    private static bool HasArgument(string process, string word)
    {
        try
        {
            return File.ReadAllText(process + "/cmdline").Split('\0').Contains(word);
        }
        catch (Exception other) when (other is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [Fact]
    public async Task Pasta_EndsWithItsContainerAndWithTheKilledHost()
    {
        using var host = new UserHost();
        using (var ended = host.Start("user-hold"))
        {
            Assert.Equal($"User 1 eth0 {host.Outside.HostAddress} 8080", await ended.StandardOutput.ReadLineAsync(Box.Token));
            Assert.Single(host.Processes(), static name => name.StartsWith("pas", StringComparison.Ordinal));

            // From another machine, by the host's address; and what was not published is not there.
            Assert.Equal("held\n", host.Outside.Run("curl", "-s", "-m", "5", $"http://{host.Outside.HostAddress}:8080/"));
            Assert.Equal("held\n", host.Outside.Run("curl", "-s", "-m", "5", $"http://[{host.Outside.HostAddress6}]:8080/"));
            Assert.ThrowsAny<Exception>(() => host.Outside.Run("curl", "-s", "-m", "2", $"http://{host.Outside.HostAddress}:80/"));
            ended.StandardInput.Close();
            await ended.WaitForExitAsync(Box.Token);
            Assert.Equal(0, ended.ExitCode);
        }

        Assert.Empty(host.Processes());
        for (var round = 0; round < 3; round++)
        {
            using var killed = host.Start("user-hold");
            Assert.NotNull(await killed.StandardOutput.ReadLineAsync(Box.Token));
            Assert.Contains(host.Processes(), static name => name.StartsWith("pas", StringComparison.Ordinal));
            killed.Kill();
            await killed.WaitForExitAsync(Box.Token);
            await Wait.UntilAsync(() => host.Processes().Count == 0);
        }
    }

    [Fact]
    public async Task PastaThatFails_FailsTheStartWithItsOwnWordsAndLeavesNothing()
    {
        using var host = new UserHost();
        foreach (var address in host.Space.Route.Addresses.List().Where(address => address.Address.Equals(host.Outside.HostAddress) || address.Address.Equals(host.Outside.HostAddress6)))
        {
            host.Space.Route.Addresses.Delete(address);
        }

        // A way out by an interface without an address is none that pasta takes.
        host.Space.Run("ip", "route", "add", "default", "dev", host.Outside.Cable);
        var lines = await host.RunAsync("user-run:echo ran");
        Assert.StartsWith("refused: start the way out of the container /usr/bin/pasta: ", lines[0], StringComparison.Ordinal);
        Assert.Empty(host.Processes());
    }

    [Fact]
    public async Task HostWithNoWayOut_SaysSoAndPublishesPortsAllTheSame()
    {
        using var host = new UserHost();
        foreach (var route in host.Space.Route.Routes.List().Where(static route => route.IsDefault && route.Gateway is not null))
        {
            host.Space.Route.Routes.Delete(route);
        }

        Assert.StartsWith("refused: connect the container to bridge: this host has none itself. It needs a default route", (await host.RunAsync("user-run:true"))[0], StringComparison.Ordinal);
        Assert.Equal("ran", (await host.RunAsync("user-alone:echo ran"))[0]);
    }

    [Fact]
    public async Task WhatOnlyRootsNetworksHave_IsRefusedBeforeTheLaunch()
    {
        using var host = new UserHost();
        var messages = await host.RunAsync("user-refused");
        string[] said = ["run the engine as root. What there is without", "alias", "fixed address", "egress policy", "rate", "host-gateway", "NetRaw", "share the network of owner: EPERM (Operation not permitted). With the capability NetRaw", "NetAdmin", "run the engine as root. What there is without"];
        Assert.Equal(said.Length, messages.Length);
        Assert.All(messages.Zip(said), static pair => Assert.Contains(pair.Second, pair.First, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Probe_SaysWhatThereIs()
    {
        using var host = new UserHost();
        var lines = await host.RunAsync("user-probe");
        Assert.Contains(lines, static line => line.StartsWith("way out: True, the network bridge, through /usr/bin/pasta: pasta ", StringComparison.Ordinal));
        Assert.Contains(lines, static line => line.StartsWith("published ports: True", StringComparison.Ordinal));
    }
}
