using System.Net;
using System.Net.Sockets;
using Containers.Egress;
using Containers.Names;
using FsCheck.Xunit;

namespace Containers.Tests.Names;

[Trait("Category", "Rootless")]
public sealed class NameObserverTests : IAsyncLifetime, INameObserver
{
    private readonly NamesLab _lab = new();
    private readonly List<(string Name, string Addresses, TimeSpan Lifetime, bool IsOwn)> _answered = [];
    private PlaybackResolver _upstream = null!;
    private NameServer _server = null!;
    private bool _fails;

    public ValueTask InitializeAsync()
    {
        _upstream = new PlaybackResolver("192.0.2.1");
        _server = NameServer.Start(IPAddress.Loopback, _lab.Front, new QueryForwarder());
        var self = _lab.Registry.AddContainer([_upstream.EndPoint]);
        NamesLab.Join(self, _lab.Front, "127.0.0.1", "self");
        _lab.Add(_lab.Front, "10.1.0.3 fd00:1::3", "web");
        self.Observe(this);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Observer_DecidesAndHearsBeforeTheContainerDoes(bool isDatagram)
    {
        Assert.Equal(["192.0.2.1"], (await AskAsync("Example.org", isDatagram)).Records);
        Assert.Equal(("example.org", "192.0.2.1", TimeSpan.FromSeconds(60), false), Assert.Single(_answered));
        Assert.Equal(["10.1.0.3"], (await AskAsync("web", isDatagram)).Records);
        Assert.Equal(("web", "10.1.0.3", TimeSpan.FromSeconds(1), true), _answered[1]);
        var asked = _upstream.Asked.Count;
        foreach (var name in new[] { "other.example", "self", "3.0.1.10.in-addr.arpa", "with space" })
        {
            Assert.Equal(ResponseCode.Refused, (await AskAsync(name, isDatagram)).Code);
        }

        Assert.Equal(asked, _upstream.Asked.Count);
        _fails = true;
        var failed = await AskAsync("example.org", isDatagram);
        Assert.Equal(ResponseCode.ServerFailure, failed.Code);
        Assert.Empty(failed.Records);
        Assert.Equal(2, _answered.Count);
    }

    [Property(MaxTest = 3000)]
    public void Answers_WithAnyByteChangedAreReadOrRefused(ushort position, byte value, ushort length, byte[] bytes)
    {
        var answer = DnsBytes.Answer(DnsBytes.Query("example.org", 28), IPAddress.Parse("2001:db8::1"));
        answer[position % answer.Length] = value;
        Read(answer);
        Read(answer[..(length % answer.Length)]);
        Read(bytes);

        static void Read(byte[] message)
        {
            var addresses = new List<IPAddress>();
            AnswerReader.TryRead(message, addresses, out var lifetime);
            Assert.True(lifetime >= TimeSpan.Zero);
            Assert.InRange(addresses.Count, 0, message.Length / 14);
        }
    }

    bool INameObserver.MayResolve(ReadOnlySpan<char> name) => name is "example.org" or "web";

    void INameObserver.Answered(ReadOnlySpan<char> name, IReadOnlyList<IPAddress> addresses, TimeSpan lifetime, bool isOwn)
    {
        if (_fails)
        {
            throw new NetworkException("the filter is gone");
        }

        _answered.Add((name.ToString(), string.Join(' ', addresses), lifetime, isOwn));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _upstream.Dispose();
        _lab.Dispose();
    }

    private async Task<DnsAnswer> AskAsync(string name, bool isDatagram)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, isDatagram ? SocketType.Dgram : SocketType.Stream, isDatagram ? ProtocolType.Udp : ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        await socket.ConnectAsync(_server.EndPoint);
        var query = DnsBytes.Query(name, 1);
        await socket.SendAsync(isDatagram ? query : [.. DnsBytes.Short(query.Length), .. query]);
        var buffer = new byte[4096];
        var length = socket.Receive(buffer);
        return DnsBytes.Read(isDatagram ? buffer.AsSpan(0, length) : buffer.AsSpan(2, length - 2));
    }
}
