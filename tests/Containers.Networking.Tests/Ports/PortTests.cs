using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Containers.Netlink;
using Containers.Tests.Networks;

namespace Containers.Tests.Ports;

/// <summary>Published ports of containers, from everywhere.</summary>
public class PortTests
{
    private const int AddressInUse = 98;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Port_IsReachedFromOutsideFromTheHostFromLoopbackAndFromContainers(bool six)
    {
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        var network = await lab.Networks.CreateAsync("one", new NetworkOptions { IPv6 = six }, Box.Token);
        await lab.Networks.CreateAsync("two", new NetworkOptions { IPv6 = six }, Box.Token);
        await using var web = await lab.StartAsync(Box.Web("hello", 8000).WithNetwork("one").WithPort(8000));
        await using var neighbour = await lab.StartAsync(Box.Sleeper.WithNetwork("one"));
        await using var stranger = await lab.StartAsync(Box.Sleeper.WithNetwork("two"));
        var port = web.GetPort(8000);
        await WaitForAsync(web, 8000);

        // IPv6 from outside reaches a container without, too.
        Assert.Equal("hello\n", outside.Run("curl", Curl(outside.HostAddress, port)));
        Assert.Equal("hello\n", outside.Run("curl", Curl(outside.HostAddress6, port)));
        foreach (var address in new[] { outside.HostAddress, outside.HostAddress6, IPAddress.Loopback, IPAddress.Parse("127.0.0.2"), IPAddress.IPv6Loopback, network.Gateway! })
        {
            Assert.Equal("hello\n", Host.Run("curl", Curl(address, port)));
        }

        foreach (var container in new[] { web, neighbour, stranger })
        {
            Assert.Equal("hello\n", await Box.InAsync(container, $"wget -qO- http://{outside.HostAddress}:{port}/"));
            if (six)
            {
                Assert.Equal("hello\n", await Box.InAsync(container, $"wget -qO- http://[{outside.HostAddress6}]:{port}/"));
            }
        }

        Assert.Equal("hello\n", await Box.InAsync(neighbour, $"wget -qO- http://{network.Gateway}:{port}/"));
    }

    [Fact]
    public async Task Unpublished_PortsAreReachedFromNowhereElseEvenWithARouteToTheContainer()
    {
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        await lab.Networks.CreateAsync("one", new NetworkOptions { IPv6 = true }, Box.Token);
        await lab.Networks.CreateAsync("two", new NetworkOptions { IPv6 = true }, Box.Token);
        await using var web = await lab.StartAsync(Box.Sleeper.WithNetwork("one").WithPort(80));
        await using var stranger = await lab.StartAsync(Box.Sleeper.WithNetwork("two"));
        using var inside = Inside(web);
        using var other = Inside(stranger);
        await using var published = EchoServer.Start(IPAddress.IPv6Any, 80, inside);
        await using var unpublished = EchoServer.Start(IPAddress.IPv6Any, 81, inside);
        await using var datagrams = EchoServer.Start(IPAddress.IPv6Any, 81, inside, SocketType.Dgram);
        var at = web.Networks[0];

        // The machine's default route leads to the host, which forwards: only the rules are in the way.
        foreach (var address in new[] { at.Address, at.Address6! })
        {
            foreach (var port in new[] { 80, 81 })
            {
                Assert.Null(await Client.AskAsync(outside.Space.Namespace, new IPEndPoint(address, port)));
                Assert.Null(await Client.AskAsync(other, new IPEndPoint(address, port)));
            }

            Assert.Null(await Client.AskAsync(outside.Space.Namespace, new IPEndPoint(address, 81), SocketType.Dgram));
            Assert.Null(await Client.AskAsync(other, new IPEndPoint(address, 81), SocketType.Dgram));
        }

        Assert.Null(await Client.AskAsync(outside.Space.Namespace, new IPEndPoint(outside.HostAddress, 81)));
        Assert.NotNull(await Client.HearAsync(outside.Space.Namespace, new IPEndPoint(outside.HostAddress, web.GetPort(80))));
    }

    [Theory]
    [InlineData(SocketType.Stream)]
    [InlineData(SocketType.Dgram)]
    public async Task Source_IsKeptWhereverTheKernelTranslates(SocketType type)
    {
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        var network = await lab.Networks.CreateAsync("one", new NetworkOptions { IPv6 = true }, Box.Token);
        await lab.Networks.CreateAsync("two", new NetworkOptions { IPv6 = true }, Box.Token);
        await using var web = await lab.StartAsync(Box.Sleeper.WithNetwork("one").WithPort(80, protocol: type == SocketType.Stream ? PortProtocol.Tcp : PortProtocol.Udp));
        await using var neighbour = await lab.StartAsync(Box.Sleeper.WithNetwork("one"));
        await using var stranger = await lab.StartAsync(Box.Sleeper.WithNetwork("two"));
        using var inside = Inside(web);
        using var beside = Inside(neighbour);
        using var other = Inside(stranger);
        await using var four = EchoServer.Start(IPAddress.Any, 80, inside, type);
        await using var six = EchoServer.Start(IPAddress.IPv6Any, 80, inside, type, onlySix: true);
        var port = Assert.Single(web.Ports).HostPort;
        var (to4, to6) = (new IPEndPoint(outside.HostAddress, port), new IPEndPoint(outside.HostAddress6, port));

        Assert.Equal($"{outside.Address}", await Client.HearAsync(outside.Space.Namespace, to4, type));
        Assert.Equal($"{outside.Address6}", await Client.HearAsync(outside.Space.Namespace, to6, type));
        Assert.Equal($"{outside.HostAddress}", await Client.HearAsync(null, to4, type));
        Assert.Equal($"{outside.HostAddress6}", await Client.HearAsync(null, to6, type));
        Assert.Equal($"{stranger.Networks[0].Address}", await Client.HearAsync(other, to4, type));
        Assert.Equal($"{stranger.Networks[0].Address6}", await Client.HearAsync(other, to6, type));

        // Who would be answered past the host, or is the server itself, is seen as the bridge.
        Assert.Equal($"{network.Gateway}", await Client.HearAsync(beside, to4, type));
        Assert.Equal($"{network.Gateway6}", await Client.HearAsync(beside, to6, type));
        Assert.Equal($"{network.Gateway}", await Client.HearAsync(inside, to4, type));
        Assert.Equal($"{network.Gateway}", await Client.HearAsync(null, new IPEndPoint(IPAddress.Loopback, port), type));
        Assert.Equal($"{network.Gateway}", await Client.HearAsync(null, new IPEndPoint(IPAddress.IPv6Loopback, port), type));
    }

    [Fact]
    public async Task PortOnLoopback_IsNotReachedFromElsewhereEvenByACraftedPacket()
    {
        const string Localnet = "route_localnet";
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        await using var web = await lab.StartAsync(Box.Web("hello").WithPort(80, hostAddress: IPAddress.Loopback));
        await using var stranger = await lab.StartAsync(Box.Sleeper.WithNetwork("bridge"));
        await WaitForAsync(web, 80);
        var port = web.GetPort(80);
        Assert.Equal("hello\n", Host.Run("curl", Curl(IPAddress.Loopback, port)));

        Assert.Null(await Client.AskAsync(outside.Space.Namespace, new IPEndPoint(outside.HostAddress, port)));
        using (var other = Inside(stranger))
        {
            Assert.Null(await Client.AskAsync(other, new IPEndPoint(outside.HostAddress, port)));
        }

        // The worst case: something else on this host has turned route_localnet on. What listens on 127.0.0.1 is then open to the neighbour.
        KernelSettings.WriteHere(KernelSettings.ForInterface("ipv4", outside.Cable, Localnet), "1");
        KernelSettings.Write(outside.Space.Namespace, (KernelSettings.ForInterface("ipv4", "eth0", Localnet), "1"), (KernelSettings.ForInterface("ipv4", "lo", Localnet), "1"));
        outside.Run("ip", "address", "delete", "127.0.0.1/8", "dev", "lo");
        outside.Run("ip", "route", "add", "127.0.0.1/32", "via", $"{outside.HostAddress}");
        await using var open = EchoServer.Start(IPAddress.Loopback);
        Assert.Equal($"{outside.Address}", await Client.HearAsync(outside.Space.Namespace, open.EndPoint));
        Assert.Null(await Client.AskAsync(outside.Space.Namespace, new IPEndPoint(IPAddress.Loopback, port)));
    }

    [Fact]
    public async Task PortOnOneAddress_IsReachedThereAlone()
    {
        await using var lab = new NetworkLab();
        using var one = Machine.Create();
        using var other = Machine.Create();
        await using var web = await lab.StartAsync(Box.Web("hello").WithPort(80, hostAddress: one.HostAddress).WithPort(80, hostAddress: one.HostAddress6));
        await WaitForAsync(web, 80);
        var (four, six) = (web.Ports[0].HostPort, web.Ports[1].HostPort);

        Assert.Equal("hello\n", one.Run("curl", Curl(one.HostAddress, four)));
        Assert.Equal("hello\n", one.Run("curl", Curl(one.HostAddress6, six)));
        Assert.Equal("hello\n", other.Run("curl", Curl(one.HostAddress, four)));
        Assert.Null(await Client.AskAsync(other.Space.Namespace, new IPEndPoint(other.HostAddress, four)));
        Assert.Null(await Client.AskAsync(null, new IPEndPoint(IPAddress.Loopback, four)));
        Assert.Null(await Client.AskAsync(one.Space.Namespace, new IPEndPoint(one.HostAddress6, four)));
    }

    [Fact]
    public async Task Transit_ToAnotherMachinesPortIsNotTaken()
    {
        // A host that is a router already, so that what passes through is its business.
        KernelSettings.WriteHere("ipv4/ip_forward", "1");
        await using var lab = new NetworkLab();
        using var one = Machine.Create();
        using var other = Machine.Create();
        await using var web = await lab.StartAsync(Box.Web("hello").WithPort(80));
        await WaitForAsync(web, 80);
        var port = web.GetPort(80);
        await using var server = EchoServer.Start(other.Address, port, other.Space.Namespace);

        Assert.Equal("hello\n", one.Run("curl", Curl(one.HostAddress, port)));
        Assert.Equal($"{one.Address}", await Client.HearAsync(one.Space.Namespace, new IPEndPoint(other.Address, port)));
    }

    [Fact]
    public async Task FlowOfUdp_GoesToWhoeverPublishesThePortNow()
    {
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        await lab.Networks.CreateAsync("one", new NetworkOptions(), Box.Token);
        var mapping = $"{FreePort()}:53/udp";
        using var client = Client.Open(outside.Space.Namespace, outside.HostAddress.AddressFamily, SocketType.Dgram);
        client.Bind(new IPEndPoint(outside.Address, 5353));
        client.Connect(new IPEndPoint(outside.HostAddress, int.Parse(mapping.Split(':')[0], CultureInfo.InvariantCulture)));

        // Known to the kernel as one to the host itself.
        Assert.Null(await Client.AskAsync(client));
        for (var round = 0; round < 2; round++)
        {
            // Another address each time.
            await using var first = await lab.StartAsync(Box.Sleeper.WithNetwork("one", address: null));
            await using var dns = await lab.StartAsync(Box.Sleeper.WithNetwork("one").WithPort(mapping));
            using var inside = Inside(dns);
            await using var server = EchoServer.Start(IPAddress.Any, 53, inside, SocketType.Dgram);
            Assert.Equal($"{outside.Address}", await Client.HearAsync(client));
        }
    }

    [Fact]
    public async Task ThousandPorts_CostNoRule()
    {
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        await lab.Networks.CreateAsync("one", new NetworkOptions(), Box.Token);
        var table = lab.Networks.Firewall!.Table.Name;
        var rules = Rules();
        await using var web = await lab.StartAsync(Box.Sleeper.WithNetwork("one").WithPorts(new PortRange(20000, 20999)));
        using var inside = Inside(web);
        await using var last = EchoServer.Start(IPAddress.Any, 20999, inside);

        Assert.Equal(1000, web.Ports.Count);
        Assert.Equal(rules, Rules());
        Assert.Equal($"{outside.Address}", await Client.HearAsync(outside.Space.Namespace, new IPEndPoint(outside.HostAddress, web.GetPort(20999))));

        // Of this engine alone: tests that run at the same time have theirs.
        int Rules() => Host.Run("nft", "-a", "list", "table", "inet", table).Split('\n').Count(static line => line.Contains("# handle", StringComparison.Ordinal) && !line.Contains('{', StringComparison.Ordinal));
    }

    [Fact]
    public async Task TwoEngines_OnlyOneGetsThePortAndTheOtherIsToldAtOnce()
    {
        await using var one = new NetworkLab();
        await using var other = new NetworkLab();
        var container = await one.StartAsync(Box.Sleeper.WithPort(80).WithName("web"));
        var port = container.GetPort(80);

        var refused = await Assert.ThrowsAsync<NetworkException>(() => other.StartAsync(Box.Sleeper.WithPort(80, port)));
        Assert.Equal(AddressInUse, refused.ErrorNumber);
        Assert.Contains("held by this process itself", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<NetworkException>(() => one.StartAsync(Box.Sleeper.WithPort(80, port)));
        Assert.Contains("published by the container web of this engine", refused.Message, StringComparison.Ordinal);

        await container.DisposeAsync();
        await using var next = await other.StartAsync(Box.Sleeper.WithPort(80, port));
        Assert.Equal(port, next.GetPort(80));
    }

    [Fact]
    public async Task HostKilled_GivesItsPortsBackAtOnce()
    {
        using var host = TestNamespace.Create();
        using var state = new TestDirectory();
        host.Route.Links.SetUp(host.Route.Links.Get("lo").Index);
        for (var round = 0; round < 5; round++)
        {
            using var dying = NetworkHost.Start(host, state.Path + "/state", "publish");
            Assert.Equal("published 8080 5353", await dying.ReadLineAsync());
            dying.Kill();
        }

        using var last = NetworkHost.Start(host, state.Path + "/state", "publish");
        Assert.Equal("published 8080 5353", await last.ReadLineAsync());
        await last.EndAsync();
    }

    [Fact]
    public async Task FailedStart_LeavesNeitherPortNorElement()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("one", new NetworkOptions(), Box.Token);
        var port = FreePort();
        var table = lab.Networks.Firewall!.Table.Name;
        string State() => Host.Run("nft", "list", "table", "inet", table) + Host.Run("nft", "list", "table", "netdev", table);
        var before = State();

        await Assert.ThrowsAnyAsync<ContainerException>(() => lab.StartAsync(Box.Sleeper.WithCommand("/bin/none").WithNetwork("one").WithPort(80, port)));

        // What guards an interface goes when the interface has gone.
        await Wait.UntilAsync(() => State() == before);
        using var free = new TcpListener(IPAddress.IPv6Any, port);
        free.Start();
    }

    [Fact]
    public async Task Port_FollowsTheContainerFromNetworkToNetwork()
    {
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        await lab.Networks.CreateAsync("one", new NetworkOptions(), Box.Token);
        await lab.Networks.CreateAsync("two", new NetworkOptions(), Box.Token);
        await using var web = await lab.StartAsync(Box.Web("hello").WithNetwork("one").WithPort(80));
        await WaitForAsync(web, 80);
        var port = web.GetPort(80);
        Assert.Equal("hello\n", outside.Run("curl", Curl(outside.HostAddress, port)));

        await lab.Networks.DisconnectAsync("one", web, Box.Token);
        Assert.Null(await Client.AskAsync(outside.Space.Namespace, new IPEndPoint(outside.HostAddress, port)));

        await lab.Networks.ConnectAsync("two", web, cancellationToken: Box.Token);
        Assert.Equal("hello\n", outside.Run("curl", Curl(outside.HostAddress, port)));
        Assert.Equal("hello\n", Host.Run("curl", Curl(IPAddress.Loopback, port)));
        Assert.Equal(port, web.GetPort(80));
    }

    [Fact]
    public async Task Nginx_InAContainerOfTheHostsProgramsIsReached()
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/nginx"), "nginx is not installed");
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        const string Configuration = """
            daemon off; user root; pid /tmp/nginx.pid; error_log stderr;
            events {}
            http { access_log off; client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f; uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
              server { listen 80; location / { return 200 "$remote_addr\n"; } } }
            """;
        await using var web = await lab.StartAsync(ContainerBuilder.FromHost().WithFile("/tmp/nginx.conf", Configuration).WithCommand("/usr/sbin/nginx", "-c", "/tmp/nginx.conf").WithPort("80"));
        await WaitForAsync(web, 80);

        Assert.Equal($"{outside.Address}\n", outside.Run("curl", Curl(outside.HostAddress, web.GetPort(80))));
        Assert.Equal($"{(await lab.Networks.InspectAsync("bridge", Box.Token)).Gateway}\n", Host.Run("curl", Curl(IPAddress.Loopback, web.GetPort(80))));
    }

    [Fact]
    public async Task InternalNetwork_HasNoPublishedPorts()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("inner", new NetworkOptions { Internal = true }, Box.Token);

        var refused = await Assert.ThrowsAsync<NetworkException>(() => lab.StartAsync(Box.Sleeper.WithNetwork("inner").WithPort(80)));

        Assert.Contains("internal", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BadInput_ThrowsAtTheCallWithTheParametersName()
    {
        var box = ContainerBuilder.FromDirectory("/");
        Assert.Equal("containerPort", Assert.Throws<ArgumentOutOfRangeException>(() => box.WithPort(0)).ParamName);
        Assert.Equal("containerPort", Assert.Throws<ArgumentOutOfRangeException>(() => box.WithPort(65536)).ParamName);
        Assert.Equal("hostPort", Assert.Throws<ArgumentOutOfRangeException>(() => box.WithPort(80, -1)).ParamName);
        Assert.Equal("hostPort", Assert.Throws<ArgumentException>(() => box.WithPort(80, 8080).WithPort(81, 8080)).ParamName);
        Assert.Equal("protocol", Assert.Throws<ArgumentOutOfRangeException>(() => box.WithPort(80, protocol: (PortProtocol)7)).ParamName);
        Assert.Equal("hostAddress", Assert.Throws<ArgumentException>(() => box.WithPort(80, hostAddress: IPAddress.Parse("224.0.0.1"))).ParamName);
        Assert.Equal("hostPorts", Assert.Throws<ArgumentException>(() => box.WithPorts(new PortRange(1, 3), new PortRange(1, 2))).ParamName);
        Assert.Equal("containerPorts", Assert.Throws<ArgumentException>(() => box.WithPorts(default)).ParamName);
        Assert.Equal("mapping", Assert.Throws<ArgumentException>(() => box.WithPort("nonsense")).ParamName);
        Assert.Equal("mapping", Assert.Throws<ArgumentException>(() => box.WithNetwork("host").WithPort("80")).ParamName);
        Assert.Equal("network", Assert.Throws<ArgumentException>(() => box.WithPort("80").WithNetwork("host")).ParamName);
    }

    [Fact]
    public async Task GetPort_SaysWhatThereIs()
    {
        await using var lab = new NetworkLab();
        var container = lab.Engine.Create(Box.Sleeper.WithPort(80, hostAddress: IPAddress.Loopback).WithPort("53/udp"));
        Assert.Throws<InvalidOperationException>(() => container.GetPort(80));
        await container.StartAsync(Box.Token);

        Assert.Equal(container.Ports[0].HostPort, container.GetPort(80));
        Assert.Equal(container.Ports[1].HostPort, container.GetPort(53, PortProtocol.Udp));
        var refused = Assert.Throws<ArgumentException>(() => container.GetPort(53));
        Assert.Contains($"{container.Ports[1]}", refused.Message, StringComparison.Ordinal);
        await container.DisposeAsync();
        Assert.Throws<InvalidOperationException>(() => container.GetPort(80));
    }

    private static string[] Curl(IPAddress address, int port) => ["-sS", "--max-time", "10", $"http://{new IPEndPoint(address, port)}/"];

    private static NetworkNamespace Inside(Container container) => NetworkNamespace.Of(container.ProcessId!.Value);

    private static async Task WaitForAsync(Container container, int port)
    {
        using var inside = Inside(container);
        for (var attempt = 0; attempt < 200; attempt++)
        {
            using var client = Client.Open(inside, AddressFamily.InterNetwork, SocketType.Stream);
            try
            {
                await client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), Box.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(50, Box.Token);
            }
        }

        Assert.Fail($"nothing listens at port {port} of the container");
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.IPv6Any, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
