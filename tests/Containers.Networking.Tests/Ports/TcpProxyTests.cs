using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Containers.Ports;

namespace Containers.Tests.Ports;

/// <summary>What comes over loopback, passed on.</summary>
[Trait("Category", "Rootless")]
public class TcpProxyTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.2")]
    [InlineData("::1")]
    public async Task Connection_OfEitherFamilyIsPassedOn(string address)
    {
        await using var server = EchoServer.Start(IPAddress.Loopback);
        await using var ports = Publish(server.EndPoint);
        using var client = await ConnectAsync(IPAddress.Parse(address), ports);

        Assert.Equal("127.0.0.1", await EchoServer.ReadLineAsync(client));
        await client.GetStream().WriteAsync("hello\n"u8.ToArray(), Token);
        Assert.Equal("hello", await EchoServer.ReadLineAsync(client));
    }

    [Fact]
    public async Task HalfClose_TheAnswerComesAfterTheClientHasSaidAll()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        await using var ports = Publish((IPEndPoint)server.LocalEndpoint);
        using var client = await ConnectAsync(IPAddress.Loopback, ports);
        using var accepted = await server.AcceptTcpClientAsync(Token);

        var (asking, answering) = (client.GetStream(), accepted.GetStream());

        await asking.WriteAsync("question"u8.ToArray(), Token);
        client.Client.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(answering, Encoding.ASCII);
        Assert.Equal("question", await reader.ReadToEndAsync(Token).WaitAsync(Long, Token));

        await answering.WriteAsync("answer"u8.ToArray(), Token);
        accepted.Client.Shutdown(SocketShutdown.Send);
        using var answer = new StreamReader(asking, Encoding.ASCII);
        Assert.Equal("answer", await answer.ReadToEndAsync(Token).WaitAsync(Long, Token));
    }

    [Fact]
    public async Task ManyConnections_EachGetsWhatItSent()
    {
        const int Length = 8 << 20;
        await using var server = EchoServer.Start(IPAddress.Loopback);
        await using var ports = Publish(server.EndPoint);

        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            using var client = await ConnectAsync(IPAddress.Loopback, ports);
            await EchoServer.ReadLineAsync(client);
            var stream = client.GetStream();
            var sent = RandomNumberGenerator.GetBytes(Length);
            var writing = Task.Run(
                async () =>
                {
                    await stream.WriteAsync(sent, Token);
                    client.Client.Shutdown(SocketShutdown.Send);
                },
                Token);
            var received = new MemoryStream();
            await stream.CopyToAsync(received, Token).WaitAsync(Long, Token);
            await writing;
            Assert.True(sent.AsSpan().SequenceEqual(received.ToArray()));
        }));
    }

    [Fact]
    public async Task SlowReader_StopsTheWriterInsteadOfFillingThisProcess()
    {
        const long Flood = 256L << 20;
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        await using var ports = Publish((IPEndPoint)server.LocalEndpoint);
        using var client = await ConnectAsync(IPAddress.Loopback, ports);
        using var accepted = await server.AcceptTcpClientAsync(Token);
        var chunk = new byte[1 << 20];
        var sent = 0L;
        var writing = Task.Run(
            async () =>
            {
                while (sent < Flood)
                {
                    await client.GetStream().WriteAsync(chunk, Token);
                    sent += chunk.Length;
                }

                client.Client.Shutdown(SocketShutdown.Send);
            },
            Token);

        // Nothing reads: the writer stops once the kernel's buffers and the one here are full.
        long before;
        do
        {
            before = Volatile.Read(ref sent);
            await Task.Delay(300, Token);
        }
        while (Volatile.Read(ref sent) != before);
        Assert.InRange(before, 1, 64L << 20);
        Assert.False(writing.IsCompleted);

        var received = 0L;
        while (await accepted.GetStream().ReadAsync(chunk, Token).AsTask().WaitAsync(Long, Token) is > 0 and var read)
        {
            received += read;
        }

        await writing;
        Assert.Equal(Flood, received);
    }

    [Fact]
    public async Task Reset_OfEitherSideReachesTheOther()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        await using var ports = Publish((IPEndPoint)server.LocalEndpoint);
        foreach (var byServer in new[] { true, false })
        {
            using var client = await ConnectAsync(IPAddress.Loopback, ports);
            using var accepted = await server.AcceptTcpClientAsync(Token);
            var stream = (byServer ? client : accepted).GetStream();
            var dying = byServer ? accepted : client;
            dying.Client.LingerState = new LingerOption(true, 0);
            dying.Client.Dispose();

            var failure = await Assert.ThrowsAsync<IOException>(async () => await stream.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Long, Token));
            Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
        }
    }

    [Fact]
    public async Task NothingListensInTheContainer_TheClientIsReset()
    {
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var ports = Publish((IPEndPoint)closed.LocalEndPoint!);

        // The reset may be there before connecting has been noticed to have succeeded.
        var failure = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            using var client = await ConnectAsync(IPAddress.Loopback, ports);
            await client.GetStream().ReadAsync(new byte[1], Token).AsTask().WaitAsync(Long, Token);
        });
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(failure.InnerException ?? failure).SocketErrorCode);
    }

    [Fact]
    public async Task End_ResetsConnectionsAndRefusesMore()
    {
        await using var server = EchoServer.Start(IPAddress.Loopback);
        var ports = Publish(server.EndPoint);
        using var client = await ConnectAsync(IPAddress.Loopback, ports);
        await EchoServer.ReadLineAsync(client);

        await ports.DisposeAsync().AsTask().WaitAsync(Long, Token);

        await Assert.ThrowsAsync<IOException>(async () => await client.GetStream().ReadAsync(new byte[1], Token).AsTask().WaitAsync(Long, Token));
        await Assert.ThrowsAsync<SocketException>(async () => await ConnectAsync(IPAddress.Loopback, ports));
    }

    [Fact]
    public async Task ConnectionsThatComeAndGo_LeaveNoDescriptor()
    {
        await using var server = EchoServer.Start(IPAddress.Loopback);
        await using var ports = Publish(server.EndPoint);
        await RoundAsync();
        var before = Descriptors();

        for (var i = 0; i < 200; i++)
        {
            await RoundAsync();
        }

        Assert.True(SpinWait.SpinUntil(() => Descriptors() <= before + 8, Long), $"{before} before, {Descriptors()} after");

        async Task RoundAsync()
        {
            using var client = await ConnectAsync(IPAddress.Loopback, ports);
            await EchoServer.ReadLineAsync(client);
        }

        static int Descriptors() => Directory.GetFiles("/proc/self/fd").Length;
    }

    private static PublishedPorts Publish(IPEndPoint target)
    {
        var ports = PublishedPorts.Reserve(new EnginePorts(), "web", [PortMapping.Create(80, 0, PortProtocol.Tcp, null)]);
        ports.PassOn(target);
        return ports;
    }

    private static async Task<TcpClient> ConnectAsync(IPAddress address, PublishedPorts ports)
    {
        var client = new TcpClient(address.AddressFamily);
        try
        {
            await client.ConnectAsync(address, ports.Ports[0].HostPort, Token);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }
}
