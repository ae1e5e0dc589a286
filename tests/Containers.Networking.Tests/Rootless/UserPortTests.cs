using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using Containers.Tests.Networks;
using Containers.Tests.Ports;

namespace Containers.Tests.Rootless;

/// <summary>Published ports as an ordinary user has them; the same promises hold for root.</summary>
[Trait("Category", "Rootless")]
[Collection(WholeProcess.Name)]
public class UserPortTests
{
    private const int AddressInUse = 98;

    /// <summary>Sends back what it gets, each connection until its end.</summary>
    private static ContainerBuilder Echo => Perl("TCP, Listen => 512", """
        use IO::Select; my $all = IO::Select->new($s);
        while (1) { for my $c ($all->can_read) {
            if ($c == $s) { $all->add($s->accept) } elsif (sysread $c, my $d, 65536) { syswrite $c, $d } else { $all->remove($c); close $c }
        } }
        """);

    [Fact]
    public async Task Port_LeadsToTheServerInTheContainer()
    {
        await using var lab = new UserLab();
        await using var web = await lab.StartAsync(Box.Web("hello", 8000).WithPort(8000));
        Assert.Equal("hello\n", await GetAsync(web.GetPort(8000)));
        Assert.Equal("hello\n", await GetAsync(web.GetPort(8000), "[::1]"));
        var port = Assert.Single(web.Ports);
        Assert.Equal(port.HostPort, web.GetPort(8000));
    }

    [Fact]
    public async Task PortBelow1024InTheContainer_NeedsNoPrivilegeOnTheHost()
    {
        await using var lab = new UserLab();
        await using var web = await lab.StartAsync(Box.Web("low").WithPort(80, hostAddress: IPAddress.Loopback));
        Assert.Equal("low\n", await GetAsync(web.GetPort(80)));
    }

    [Fact]
    public async Task ClientOfAPort_IsNotTakenForTheContainerItself()
    {
        await using var lab = new UserLab();
        await using var web = await lab.StartAsync(Perl("TCP, Listen => 9", "while (my $c = $s->accept) { print $c $c->peerhost, qq{\\n}; sleep 1 }").WithPort(7));
        using var client = await ConnectAsync(web);
        Assert.DoesNotContain("127.0.0", await EchoServer.ReadLineAsync(client), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TakenPort_FailsTheStartAndNamesWhoHasIt()
    {
        await using var lab = new UserLab();
        await using var first = await lab.StartAsync(Box.Sleeper.WithName("first").WithPort(80));
        var taken = first.GetPort(80);
        var refused = await Assert.ThrowsAsync<NetworkException>(() => lab.StartAsync(Box.Sleeper.WithPort(80, taken)));
        Assert.Equal(AddressInUse, refused.ErrorNumber);
        Assert.Contains("the container first", refused.Message, StringComparison.Ordinal);
        await first.DisposeAsync();
        await using var second = await lab.StartAsync(Box.Sleeper.WithPort(80, taken));
        Assert.Equal(taken, second.GetPort(80));
    }

    [Fact]
    public async Task TwoHundredConnectionsAtOnce_AllGetTheirOwnAnswers()
    {
        await using var lab = new UserLab();
        await using var echo = await lab.StartAsync(Echo.WithPort(7));
        using (await ConnectAsync(echo))
        {
        }

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(async number =>
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, echo.GetPort(7), Box.Token);
            var line = Encoding.ASCII.GetBytes($"{number}\n");
            await client.GetStream().WriteAsync(line, Box.Token);
            return await EchoServer.ReadLineAsync(client);
        }));
        Assert.Equal(Enumerable.Range(0, 200).Select(static number => $"{number}"), answers);
    }

    [Fact]
    public async Task BigTransfer_ComesBackAsItWasToTheLastByteAfterTheClientsEnd()
    {
        const int Size = 64 << 20;
        await using var lab = new UserLab();
        await using var echo = await lab.StartAsync(Echo.WithPort(7));
        using var client = await ConnectAsync(echo);
        var sent = new byte[Size];
        new Random(7).NextBytes(sent);
        var stream = client.GetStream();
        var sending = Task.Run(
            async () =>
            {
                await stream.WriteAsync(sent, Box.Token);
                client.Client.Shutdown(SocketShutdown.Send);
            },
            Box.Token);
        var received = new byte[Size];
        await stream.ReadExactlyAsync(received, Box.Token);
        await sending;
        Assert.True(sent.AsSpan().SequenceEqual(received));
        Assert.Equal(0, await stream.ReadAsync(received.AsMemory(0, 1), Box.Token));
        var usage = await echo.GetUsageAsync(Box.Token);
        Assert.InRange(usage.NetworkReceivedBytes!.Value, Size, Size * 5L / 4);
        Assert.InRange(usage.NetworkSentBytes!.Value, Size, Size * 5L / 4);
    }

    [Fact]
    public async Task Datagrams_FindTheirWayAndTheirAnswersBack()
    {
        await using var lab = new UserLab();
        await using var echo = await lab.StartAsync(Perl("UDP", "while (1) { $s->recv(my $d, 2000); $s->send($d) }").WithPort(7, protocol: PortProtocol.Udp));
        var port = new IPEndPoint(IPAddress.Loopback, echo.GetPort(7, PortProtocol.Udp));
        foreach (var text in (string[])["one", "two"])
        {
            using var client = new UdpClient();
            client.Connect(port);
            Assert.Equal(text, await AskAsync(client, text));
        }
    }

    [Fact]
    public async Task EndOfTheContainer_EndsConnectionsAndGivesThePortBack()
    {
        // Ports that no other test gets: those below are not given to who asks for any.
        var own = new PortRange(21000, 21999);
        await using var lab = new UserLab();
        var descriptors = Directory.GetFiles("/proc/self/fd").Length;
        for (var round = 0; round < 5; round++)
        {
            var echo = await lab.StartAsync(Echo.WithPorts(new PortRange(7, 7), own));
            var port = echo.GetPort(7);
            using var client = await ConnectAsync(echo);
            await client.GetStream().WriteAsync("x\n"u8.ToArray(), Box.Token);
            Assert.Equal("x", await EchoServer.ReadLineAsync(client));
            await echo.DisposeAsync();
            try
            {
                Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1], Box.Token));
            }
            catch (IOException)
            {
                // A reset says the same.
            }

            using var again = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
            again.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        }

        // The engine itself, with its guardian, has some.
        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, descriptors + 30);

        // Of the host's side of connections only what the kernel itself still waits for.
        var host = IPGlobalProperties.GetIPGlobalProperties();
        Assert.DoesNotContain(host.GetActiveTcpListeners(), listener => IsOwn(listener.Port));
        await Wait.UntilAsync(() => host.GetActiveTcpConnections().Where(connection => IsOwn(connection.LocalEndPoint.Port)).All(static connection => connection.State == TcpState.TimeWait));

        bool IsOwn(int port) => port >= own.First && port <= own.Last;
    }

    [Fact]
    public async Task ServerThatIsNotThere_RefusesTheConnectionAndNoMore()
    {
        await using var lab = new UserLab();
        await using var container = await lab.StartAsync(Box.Sleeper.WithPort(9));
        for (var round = 0; round < 20; round++)
        {
            using var client = new TcpClient();
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await client.ConnectAsync(IPAddress.Loopback, container.GetPort(9), Box.Token);
                await client.GetStream().ReadExactlyAsync(new byte[1], Box.Token);
            });
        }

        Assert.True(container.IsRunning);
    }

    /// <summary>A server of a few lines at port 7.</summary>
    private static ContainerBuilder Perl(string kind, string serve)
    {
        var (protocol, more) = kind.Split(", ") is [var first, var rest] ? (first, ", " + rest) : (kind, string.Empty);
        return ContainerBuilder.FromHost().WithCommand("perl", "-MIO::Socket::INET", "-e", $"my $s = IO::Socket::INET->new(LocalPort => 7, Proto => lc '{protocol}'{more}) or die; $| = 1; {serve}");
    }

    private static async Task<string> GetAsync(int port, string host = "127.0.0.1")
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };
        for (var clock = Stopwatch.StartNew(); ;)
        {
            try
            {
                return await http.GetStringAsync($"http://{host}:{port}/", Box.Token);
            }
            catch (HttpRequestException) when (clock.Elapsed < TimeSpan.FromSeconds(10))
            {
                // The server has only just been started.
                await Task.Delay(20, Box.Token);
            }
        }
    }

    /// <summary>A connection to a server that listens inside: before it does, one is made and reset.</summary>
    private static async Task<TcpClient> ConnectAsync(Container server)
    {
        const string IsListening = "grep -q ':0007 00000000:0000 0A' /proc/net/tcp";
        for (var attempt = 0; !await Box.SucceedsInAsync(server, IsListening); attempt++)
        {
            Assert.True(attempt < 500, "the server does not listen");
        }

        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.GetPort(7), Box.Token);
        return client;
    }

    private static async Task<string?> AskAsync(UdpClient client, string text)
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(400));
            try
            {
                await client.SendAsync(Encoding.ASCII.GetBytes(text), limit.Token);
                return Encoding.ASCII.GetString((await client.ReceiveAsync(limit.Token)).Buffer);
            }
            catch (Exception lost) when (lost is OperationCanceledException or SocketException)
            {
            }
        }

        return null;
    }
}
