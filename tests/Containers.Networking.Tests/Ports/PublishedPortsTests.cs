using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Containers.Ports;

namespace Containers.Tests.Ports;

/// <summary>What is taken before a container is launched.</summary>
[Trait("Category", "Rootless")]
public class PublishedPortsTests
{
    private const int AddressInUse = 98;
    private const int AddressNotAvailable = 99;

    private readonly EnginePorts _engine = new();

    [Fact]
    public async Task FreePort_IsFoundAndTakenForBothFamilies()
    {
        await using var ports = Reserve("80");

        var port = Assert.Single(ports.Ports);
        Assert.Equal(80, port.ContainerPort);
        Assert.NotEqual(0, port.HostPort);
        Assert.Throws<SocketException>(() => Listen(IPAddress.Loopback, port.HostPort));
        Assert.Throws<SocketException>(() => Listen(IPAddress.Any, port.HostPort));
        Assert.Throws<SocketException>(() => Listen(IPAddress.IPv6Loopback, port.HostPort));
    }

    [Fact]
    public async Task Port_OfEachProtocolIsAnotherOne()
    {
        await using var tcp = Reserve("80");
        await using var udp = Reserve(string.Create(CultureInfo.InvariantCulture, $"{tcp.Ports[0].HostPort}:53/udp"));

        Assert.Equal(tcp.Ports[0].HostPort, udp.Ports[0].HostPort);
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        Assert.Throws<SocketException>(() => other.Bind(new IPEndPoint(IPAddress.Loopback, udp.Ports[0].HostPort)));
    }

    [Fact]
    public async Task Range_IsTakenPortByPort()
    {
        var first = FreeRange(20);
        await using var ports = Reserve(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{first}-{first + 19}:100-119"));

        Assert.Equal(20, ports.Ports.Count);
        Assert.All(ports.Ports, (port, i) => Assert.Equal((first + i, 100 + i), (port.HostPort, port.ContainerPort)));
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{first}->100/tcp"), ports.Ports[0].ToString());
    }

    [Fact]
    public async Task OnePort_GetsTheFirstOfARangeThatIsFree()
    {
        var first = FreeRange(3);
        using var taken = Listen(IPAddress.Loopback, first);
        await using var ports = Reserve(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{first}-{first + 2}:80"));

        Assert.Equal(first + 1, Assert.Single(ports.Ports).HostPort);
    }

    [Fact]
    public void RangeWithATakenPort_TakesNothing()
    {
        var first = FreeRange(3);
        using var taken = Listen(IPAddress.Loopback, first + 2);

        Assert.Throws<NetworkException>(() => Reserve(string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{first}-{first + 2}:1-3")));

        Listen(IPAddress.Loopback, first).Dispose();
        Listen(IPAddress.Loopback, first + 1).Dispose();
    }

    [Fact]
    public async Task TakenPort_IsRefusedAtOnceWithTheNameOfTheContainerOfThisEngine()
    {
        await using var ports = Reserve("80");

        var refused = Assert.Throws<NetworkException>(() => PublishedPorts.Reserve(_engine, "other", [Mapping(ports.Ports[0].HostPort)]));

        Assert.Equal(AddressInUse, refused.ErrorNumber);
        Assert.Contains("published by the container web of this engine", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TakenPort_IsRefusedAtOnceWithTheProcessThatHasIt()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/busybox"), "busybox is not installed");
        var port = FreeRange(1);
        using var server = Process.Start(new ProcessStartInfo("/usr/bin/busybox", ["nc", "-l", "-p", port.ToString(CultureInfo.InvariantCulture)])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
        })!;
        try
        {
            // Only once it listens: what is reserved before that it could not have.
            Assert.True(SpinWait.SpinUntil(
                () => IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(listener => listener.Port == port), TimeSpan.FromSeconds(20)));
            var refused = Assert.Throws<NetworkException>(() => PublishedPorts.Reserve(_engine, "web", [Mapping(port)]));

            Assert.Equal(AddressInUse, refused.ErrorNumber);
            Assert.Contains($"held by busybox (process {server.Id}), with a socket that serves", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
        }
    }

    [Fact]
    public void TakenPort_OfUdpIsRefusedAtOnceToo()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)taken.LocalEndPoint!).Port;

        var refused = Assert.Throws<NetworkException>(() => PublishedPorts.Reserve(_engine, "dns", [Mapping(port) with { Protocol = PortProtocol.Udp }]));

        Assert.Equal(AddressInUse, refused.ErrorNumber);
        Assert.Contains("held by this process itself, with a socket that serves 127.0.0.1:", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TakenPort_OfThisProcessIsCalledSo()
    {
        using var taken = Listen(IPAddress.Loopback, 0);
        var port = ((IPEndPoint)taken.LocalEndPoint!).Port;

        Assert.Contains("held by this process itself", Assert.Throws<NetworkException>(() => PublishedPorts.Reserve(_engine, "web", [Mapping(port)])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TwoAtOnce_OneOfThemGetsThePort()
    {
        for (var round = 0; round < 50; round++)
        {
            var port = FreeRange(1);
            using var start = new Barrier(2);
            var tries = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                start.SignalAndWait();
                try
                {
                    return PublishedPorts.Reserve(new EnginePorts(), "web", [Mapping(port)]);
                }
                catch (NetworkException taken) when (taken.ErrorNumber == AddressInUse)
                {
                    return null;
                }
            })));

            await Assert.Single(tries, static ports => ports is not null)!.DisposeAsync();
        }
    }

    [Fact]
    public async Task GivenBack_ThePortIsFreeAtOnceWhateverItsConnectionsDo()
    {
        await using var server = EchoServer.Start(IPAddress.Loopback);
        var ports = Reserve("80");
        var port = ports.Ports[0].HostPort;
        ports.PassOn(server.EndPoint);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        Assert.NotEmpty(await EchoServer.ReadLineAsync(client));

        await ports.DisposeAsync();
        await using var again = PublishedPorts.Reserve(_engine, "other", [Mapping(port)]);

        Assert.Equal(port, again.Ports[0].HostPort);
    }

    [Fact]
    public void Address_ThatIsNotOfThisHostIsRefused()
    {
        var refused = Assert.Throws<NetworkException>(() => Reserve("192.0.2.77:0:80"));

        Assert.Equal(AddressNotAvailable, refused.ErrorNumber);
        Assert.Contains("no address of this host", refused.Message, StringComparison.Ordinal);
    }

    private static PortMapping Mapping(int port) => PortMapping.Create(80, port, PortProtocol.Tcp, null);

    private static Socket Listen(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen();
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Ports that nothing has, below those that the kernel gives to connections and those that other tests keep for themselves.</summary>
    private static int FreeRange(int count)
    {
        while (true)
        {
            var first = Random.Shared.Next(10_000, 20_000);
            try
            {
                foreach (var port in Enumerable.Range(first, count))
                {
                    Listen(IPAddress.IPv6Any, port).Dispose();
                }

                return first;
            }
            catch (SocketException)
            {
            }
        }
    }

    private PublishedPorts Reserve(string mapping) => PublishedPorts.Reserve(_engine, "web", [PortMapping.Parse(mapping, nameof(mapping))]);
}
