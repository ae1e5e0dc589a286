using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Containers.Names;
using FsCheck.Xunit;

namespace Containers.Tests.Names;

/// <summary>The server on the loopback, where the test has the address of a container.</summary>
[Trait("Category", "Rootless")]
public sealed class NameServerTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly NamesLab _lab = new();
    private PlaybackResolver _upstream = null!;
    private NameServer _server = null!;
    private ContainerNames _self = null!;

    public ValueTask InitializeAsync()
    {
        _upstream = new PlaybackResolver("192.0.2.1");
        _server = NameServer.Start(IPAddress.Loopback, _lab.Front, new QueryForwarder());
        _self = _lab.Registry.AddContainer([_upstream.EndPoint]);
        NamesLab.Join(_self, _lab.Front, "127.0.0.1", "self");
        _lab.Add(_lab.Front, "10.1.0.3 fd00:1::3", "web");
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void Query_IsAnsweredFromHereOrByTheHostsResolver()
    {
        using var client = Client();
        Assert.Equal(["10.1.0.3"], Ask(client, DnsBytes.Query("web", 1)).Records);
        Assert.Equal(["fd00:1::3"], Ask(client, DnsBytes.Query("web", 28)).Records);
        Assert.Empty(_upstream.Asked);
        Assert.Equal(["192.0.2.1"], Ask(client, DnsBytes.Query("example.org", 1)).Records);
        Assert.Single(_upstream.Asked);
    }

    [Fact]
    public async Task Connection_CarriesManyQueriesAlsoAllAtOnce()
    {
        using var client = await ConnectAsync();
        var names = Enumerable.Range(0, 50).Select(static i => i % 2 == 0 ? "web" : "example.org").ToList();
        client.Send([.. names.SelectMany((name, i) => Framed(DnsBytes.Query(name, 1, (ushort)i)))]);
        for (var i = 0; i < names.Count; i++)
        {
            var answer = DnsBytes.Read(ReadFramed(client)!);
            Assert.Equal((i, names[i], i % 2 == 0 ? "10.1.0.3" : "192.0.2.1"), (answer.Id, answer.Question, answer.Records.Single()));
        }

        // In pieces, too.
        foreach (var value in Framed(DnsBytes.Query("web", 28)))
        {
            client.Send([value]);
        }

        Assert.Equal(["fd00:1::3"], DnsBytes.Read(ReadFramed(client)!).Records);
        Assert.All(_upstream.Asked, static asked => Assert.False(asked.IsDatagram));
    }

    [Fact]
    public async Task Message_ThatIsNoneEndsTheConnectionAndNothingElse()
    {
        foreach (var bytes in new byte[][] { [0, 0], [0, 5, 1, 2, 3, 4, 5], [255, 255, 1], [.. Framed(DnsBytes.Answer(DnsBytes.Query("web", 1), null))] })
        {
            using var client = await ConnectAsync();
            client.Send(bytes);
            Assert.Null(ReadFramed(client));
        }

        using var next = await ConnectAsync();
        next.Send([.. Framed(DnsBytes.Query("web", 1))]);
        Assert.Equal(["10.1.0.3"], DnsBytes.Read(ReadFramed(next)!).Records);
    }

    [Fact]
    public async Task Connections_OfOneContainerAreCountedAndGivenBack()
    {
        List<Socket> clients = [];
        try
        {
            for (var i = 0; i < AskerLimits.MostConnections; i++)
            {
                clients.Add(await ConnectAsync());
                clients[^1].Send([.. Framed(DnsBytes.Query("web", 1))]);
                Assert.NotNull(ReadFramed(clients[^1]));
            }

            using (var tooMany = await ConnectAsync())
            {
                Assert.Null(ReadFramed(tooMany));
            }
        }
        finally
        {
            clients.ForEach(static client => client.Dispose());
        }

        Assert.True(SpinWait.SpinUntil(() => _self.View.Limits.Connections.Taken == 0, Patience));
        using var next = await ConnectAsync();
        next.Send([.. Framed(DnsBytes.Query("web", 1))]);
        Assert.NotNull(ReadFramed(next));
    }

    [Fact]
    public async Task Connection_ThatSaysNothingIsEnded()
    {
        using var client = await ConnectAsync();
        client.Send([0]);
        Assert.Null(ReadFramed(client));
    }

    [Fact]
    public async Task Stranger_IsRefusedAndGetsNoConnection()
    {
        await using var server = NameServer.Start(IPAddress.Loopback, _lab.Back, new QueryForwarder());
        using var client = Client(server);
        Assert.Equal(ResponseCode.Refused, Ask(client, DnsBytes.Query("web", 1)).Code);
        Assert.Equal(ResponseCode.Refused, Ask(client, DnsBytes.Query("example.org", 1)).Code);
        using var stream = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)Patience.TotalMilliseconds };
        await stream.ConnectAsync(server.EndPoint);
        Assert.Null(ReadFramed(stream));
        Assert.Empty(_upstream.Asked);
    }

    [Fact]
    public void Answer_LongerThanTheClientTakesIsCut()
    {
        using var upstream = new PlaybackResolver(static query => [[.. DnsBytes.Answer(query, IPAddress.Parse("192.0.2.1")), .. new byte[3000]]]);
        using var large = new PlaybackResolver(static query => [[.. DnsBytes.Answer(query, IPAddress.Parse("192.0.2.1")), .. new byte[30_000]]]);
        foreach (var (resolver, payload) in new[] { (upstream, (int?)null), (upstream, 1232), (large, 65_000) })
        {
            using var joined = NamesLab.Join(_lab.Registry.AddContainer([resolver.EndPoint]), _lab.Front, "127.0.0.1", "other");
            using var client = Client();
            var answer = Ask(client, DnsBytes.Query("example.org", 1, payload: payload));
            Assert.True(answer.IsTruncated);
            Assert.Empty(answer.Records);
        }
    }

    [Fact]
    public void HostsResolver_ThatAsksBackEndsInRefusal()
    {
        // The host has no name here, so that a server of the host which forwards to this one goes no further.
        using var joined = NamesLab.Join(_lab.Registry.AddContainer([_server.EndPoint]), _lab.Front, "127.0.0.2", "other");
        using var client = Client(bind: IPAddress.Parse("127.0.0.2"));
        _lab.Front.Remove([IPAddress.Loopback], ["self"]);
        Assert.Equal(ResponseCode.Refused, Ask(client, DnsBytes.Query("example.org", 1)).Code);
    }

    [Fact]
    public void Container_ThatIsTheHostsResolverItselfEndsTheCircle()
    {
        var self = _lab.Registry.AddContainer([_server.EndPoint]);
        using var joined = NamesLab.Join(self, _lab.Front, "127.0.0.1", "circle");
        using var client = Client();
        Assert.Equal(ResponseCode.ServerFailure, Ask(client, DnsBytes.Query("example.org", 1)).Code);
        Assert.True(SpinWait.SpinUntil(() => self.View.Limits.Forwarded.Taken == 0, Patience));
    }

    [Fact]
    public void Names_ThatComeAndGoAreSeenByTheNextQuery()
    {
        using var client = Client();
        for (var i = 0; i < 200; i++)
        {
            using (NamesLab.Join(_lab.Registry.AddContainer(), _lab.Front, $"10.1.2.{i}", "once", $"name{i}"))
            {
                Assert.Equal([$"10.1.2.{i}"], Ask(client, DnsBytes.Query("once", 1)).Records);
            }

            Assert.Equal(["192.0.2.1"], Ask(client, DnsBytes.Query("once", 1)).Records);
        }
    }

    [Property(MaxTest = 200)]
    public void Datagrams_OfAnyKindLeaveTheServerAnswering(byte[][] garbage, ushort position, byte value)
    {
        using var client = Client();
        foreach (var bytes in garbage)
        {
            client.Send(bytes ?? []);
        }

        var changed = DnsBytes.Query("web", 1, id: 1, payload: 1232);
        changed[position % changed.Length] = value;
        client.Send(changed);
        client.Send(new byte[5000]);
        var query = DnsBytes.Query("web", 1, id: 0x7777);
        client.Send(query);
        var buffer = new byte[4096];
        int length;
        do
        {
            length = client.Receive(buffer);
        }
        while (BinaryPrimitives.ReadUInt16BigEndian(buffer) != 0x7777 || buffer[3] != 0x80);

        Assert.Equal(["10.1.0.3"], DnsBytes.Read(buffer.AsSpan(0, length)).Records);
    }

    [Fact]
    public async Task Server_EndsAlsoWhileQueriesWaitAndConnectionsAreOpen()
    {
        using var silent = new PlaybackResolver(static _ => []);
        using var joined = NamesLab.Join(_lab.Registry.AddContainer([silent.EndPoint]), _lab.Front, "127.0.0.1", "other");
        using var client = Client();
        using var stream = await ConnectAsync();
        stream.Send([.. Framed(DnsBytes.Query("example.org", 1))]);
        client.Send(DnsBytes.Query("example.org", 1));
        Assert.True(SpinWait.SpinUntil(() => silent.Asked.Count == 2, Patience));
        await _server.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(2));
        Assert.Null(ReadFramed(stream));
        Assert.Throws<SocketException>(() =>
        {
            client.Send([1]);
            client.Receive(new byte[1]);
        });
    }

    [Fact]
    public void Address_ThatTheHostDoesNotHaveIsRefused()
    {
        var exception = Assert.Throws<NetworkException>(() => NameServer.Start(IPAddress.Parse("192.0.2.99"), _lab.Front, new QueryForwarder()));
        Assert.Contains("listen for DNS queries at 192.0.2.99", exception.Message, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _upstream.Dispose();
        _lab.Dispose();
    }

    private Socket Client(NameServer? server = null, IPAddress? bind = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = (int)Patience.TotalMilliseconds };
        if (bind is not null)
        {
            socket.Bind(new IPEndPoint(bind, 0));
        }

        socket.Connect((server ?? _server).EndPoint);
        return socket;
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)Patience.TotalMilliseconds, NoDelay = true };
        await socket.ConnectAsync(_server.EndPoint);
        return socket;
    }

    private static DnsAnswer Ask(Socket client, byte[] query)
    {
        var buffer = new byte[65536];
        client.Send(query);
        var answer = DnsBytes.Read(buffer.AsSpan(0, client.Receive(buffer)));
        Assert.Equal(0x1234, answer.Id);
        return answer;
    }

    private static byte[] Framed(byte[] message) => [.. DnsBytes.Short(message.Length), .. message];

    /// <summary>Null: the connection has ended.</summary>
    private static byte[]? ReadFramed(Socket client)
    {
        try
        {
            using var stream = new NetworkStream(client, ownsSocket: false);
            var length = new byte[2];
            if (stream.ReadAtLeast(length, 2, throwOnEndOfStream: false) < 2)
            {
                return null;
            }

            var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
            stream.ReadExactly(message);
            return message;
        }
        catch (IOException ended) when (ended.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            return null;
        }
    }
}
