using System.Net;
using System.Net.Sockets;
using System.Text;
using Containers.Ports;

namespace Containers.Tests.Ports;

/// <summary>Datagrams that come over loopback, passed on.</summary>
[Trait("Category", "Rootless")]
public class UdpProxyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.2")]
    [InlineData("::1")]
    public async Task Answer_ComesFromTheAddressThatWasAsked(string address)
    {
        await using var server = EchoServer.Start(IPAddress.Loopback, type: SocketType.Dgram);
        await using var ports = Publish(server.EndPoint);
        using var client = Connect(IPAddress.Parse(address), ports);

        Assert.Equal("127.0.0.1 hello", await AskAsync(client, "hello"));
        Assert.Equal("127.0.0.1 again", await AskAsync(client, "again"));
    }

    [Fact]
    public async Task Clients_EachGetTheirOwnAnswers()
    {
        await using var server = EchoServer.Start(IPAddress.Loopback, type: SocketType.Dgram);
        await using var ports = Publish(server.EndPoint);

        await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            using var client = Connect(IPAddress.Loopback, ports);
            Assert.Equal($"127.0.0.1 {i}", await AskAsync(client, i.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }));
    }

    [Fact]
    public async Task Datagram_OfTheLargestSizeIsPassedOnWhole()
    {
        await using var server = EchoServer.Start(IPAddress.Loopback, type: SocketType.Dgram);
        await using var ports = Publish(server.EndPoint);
        using var client = Connect(IPAddress.Loopback, ports);

        // The answer has ten bytes more, and a datagram of IPv4 65507 at most.
        var text = new string('x', 65507 - 10);
        Assert.Equal("127.0.0.1 " + text, await AskAsync(client, text));
    }

    [Fact]
    public async Task Client_IsForgottenAfterAWhileOfSilence()
    {
        await using var server = EchoServer.Start(IPAddress.Loopback, type: SocketType.Dgram);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var proxy = UdpProxy.Start(listener, server.EndPoint, TimeSpan.FromMilliseconds(200));
        using var client = new UdpClient();
        client.Connect((IPEndPoint)listener.LocalEndPoint!);

        Assert.Equal("127.0.0.1 hello", await AskAsync(client, "hello"));
        Assert.True(SpinWait.SpinUntil(() => proxy.Sessions == 0, TimeSpan.FromSeconds(20)));
        Assert.Equal("127.0.0.1 again", await AskAsync(client, "again"));
    }

    [Fact]
    public async Task NothingListensInTheContainer_LaterClientsAreServedAllTheSame()
    {
        var server = EchoServer.Start(IPAddress.Loopback, type: SocketType.Dgram);
        var target = server.EndPoint;
        await server.DisposeAsync();
        await using var ports = Publish(target);
        using var early = Connect(IPAddress.Loopback, ports);
        for (var i = 0; i < 5; i++)
        {
            await early.SendAsync("lost"u8.ToArray(), Token);
        }

        await using var started = EchoServer.Start(IPAddress.Loopback, target.Port, type: SocketType.Dgram);
        Assert.StartsWith("127.0.0.1 ", await AskAsync(early, "now"), StringComparison.Ordinal);
        using var late = Connect(IPAddress.Loopback, ports);
        Assert.Equal("127.0.0.1 too", await AskAsync(late, "too"));
    }

    private static PublishedPorts Publish(IPEndPoint target)
    {
        var ports = PublishedPorts.Reserve(new EnginePorts(), "dns", [PortMapping.Create(53, 0, PortProtocol.Udp, null)]);
        ports.PassOn(target);
        return ports;
    }

    private static UdpClient Connect(IPAddress address, PublishedPorts ports)
    {
        var client = new UdpClient(address.AddressFamily);
        client.Connect(address, ports.Ports[0].HostPort);
        return client;
    }

    /// <summary>Asks until there is an answer to this: datagrams may be lost.</summary>
    private static async Task<string> AskAsync(UdpClient client, string question)
    {
        for (var attempt = 0; attempt < 10; attempt++)
        {
            await client.SendAsync(Encoding.ASCII.GetBytes(question), Token);
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
                limit.CancelAfter(TimeSpan.FromSeconds(2));
                return Encoding.ASCII.GetString((await client.ReceiveAsync(limit.Token)).Buffer);
            }
            catch (OperationCanceledException) when (!Token.IsCancellationRequested)
            {
            }
        }

        return "no answer";
    }
}
