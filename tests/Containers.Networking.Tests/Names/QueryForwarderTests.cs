using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Containers.Names;
using FsCheck.Xunit;

namespace Containers.Tests.Names;

[Trait("Category", "Rootless")]
public sealed class QueryForwarderTests : IDisposable
{
    private static readonly byte[] Example = DnsBytes.Query("Example.org", 1, payload: 1400);

    private readonly NamesLab _lab = new();
    private readonly QueryForwarder _forwarder = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Query_GoesOutAsItIsWithANumberAndAPortByChance(bool isDatagram)
    {
        using var upstream = new PlaybackResolver("192.0.2.1");
        for (var i = 0; i < 40; i++)
        {
            var answer = DnsBytes.Read(await AskAsync(Example, isDatagram, upstream.EndPoint));
            Assert.Equal(["192.0.2.1"], answer.Records);
            Assert.Equal(0x1234, answer.Id);
        }

        Assert.All(upstream.Asked, asked => Assert.Equal((Convert.ToHexString(Example[2..]), isDatagram), (Convert.ToHexString(asked.Query[2..]), asked.IsDatagram)));
        Assert.InRange(upstream.Asked.Select(static asked => BinaryPrimitives.ReadUInt16BigEndian(asked.Query)).Distinct().Count(), 35, 40);
        Assert.InRange(upstream.Asked.Select(static asked => asked.Port).Distinct().Count(), 30, 40);
        if (isDatagram)
        {
            // Not one after the other either: who sees one query must not know the next one's port.
            var ports = upstream.Asked.Select(static asked => asked.Port).ToArray();
            Assert.InRange(ports.Zip(ports.Skip(1)).Count(static pair => Math.Abs(pair.First - pair.Second) <= 8), 0, 8);
        }
    }

    [Fact]
    public async Task Answer_ToAnotherQuestionIsPassedOver()
    {
        using var upstream = new PlaybackResolver(static query =>
        {
            byte[] number = DnsBytes.Answer(query, IPAddress.Parse("203.0.113.1"));
            number[0] ^= 1;
            byte[] name = DnsBytes.Answer(query, IPAddress.Parse("203.0.113.2"));
            name[14]++;
            byte[] type = DnsBytes.Answer(query, IPAddress.Parse("203.0.113.3"));
            type[12 + 13 + 1] = 28;
            byte[] noAnswer = DnsBytes.Answer(query, IPAddress.Parse("203.0.113.4"));
            noAnswer[2] &= 0x7F;
            return [number, name, type, noAnswer, [], [1], query[..12], DnsBytes.Answer(query, IPAddress.Parse("192.0.2.1"))];
        });
        Assert.Equal(["192.0.2.1"], DnsBytes.Read(await AskAsync(Example, true, upstream.EndPoint)).Records);
        Assert.Single(upstream.Asked);
    }

    [Theory]
    [InlineData(false, 32, 90)]
    [InlineData(true, 95, 100)]
    public async Task Port_ThatHeardAnythingElseIsNotUsedAgain(bool isGuessed, int fewest, int most)
    {
        using var upstream = new PlaybackResolver(query => [.. isGuessed ? (byte[][])[[1, 2, 3]] : [], DnsBytes.Answer(query, IPAddress.Parse("192.0.2.1"))]);
        for (var i = 0; i < 100; i++)
        {
            Assert.NotEmpty(await AskAsync(Example, true, upstream.EndPoint));
        }

        Assert.InRange(upstream.Asked.Select(static asked => asked.Port).Distinct().Count(), fewest, most);
    }

    [Fact]
    public async Task Answer_InAnotherCaseIsTaken()
    {
        using var upstream = new PlaybackResolver(static query =>
        {
            var answer = DnsBytes.Answer(query, IPAddress.Parse("192.0.2.1"));
            answer[13] = (byte)'e';
            return [answer];
        });
        Assert.Equal(["192.0.2.1"], DnsBytes.Read(await AskAsync(Example, true, upstream.EndPoint)).Records);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Server_ThatCannotIsFollowedByTheNext(int code)
    {
        using var first = new PlaybackResolver(query => [DnsBytes.Answer(query, null, code)]);
        using var second = new PlaybackResolver("192.0.2.2");
        Assert.Equal(["192.0.2.2"], DnsBytes.Read(await AskAsync(Example, true, first.EndPoint, second.EndPoint)).Records);
        Assert.Equal(["192.0.2.2"], DnsBytes.Read(await AskAsync(Example, false, first.EndPoint, second.EndPoint)).Records);

        // The last word is passed on as it is.
        Assert.Equal((ResponseCode)code, DnsBytes.Read(await AskAsync(Example, true, first.EndPoint)).Code);
    }

    [Fact]
    public async Task Server_ThatIsNotThereIsFollowedByTheNextAtOnce()
    {
        IPEndPoint nobody;
        using (var gone = new PlaybackResolver("192.0.2.1"))
        {
            nobody = gone.EndPoint;
        }

        using var second = new PlaybackResolver("192.0.2.2");
        var since = Stopwatch.GetTimestamp();
        Assert.Equal(["192.0.2.2"], DnsBytes.Read(await AskAsync(Example, true, nobody, second.EndPoint)).Records);
        Assert.Equal(["192.0.2.2"], DnsBytes.Read(await AskAsync(Example, false, nobody, second.EndPoint)).Records);
        Assert.Empty(await AskAsync(Example, true, nobody));
        Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Server_ThatIsSilentIsFollowedByTheNextAndAskedLastForAWhile()
    {
        using var silent = new PlaybackResolver(static _ => []);
        using var second = new PlaybackResolver("192.0.2.2");
        var since = Stopwatch.GetTimestamp();
        Assert.Equal(["192.0.2.2"], DnsBytes.Read(await AskAsync(Example, true, silent.EndPoint, second.EndPoint)).Records);
        Assert.InRange(Stopwatch.GetElapsedTime(since).TotalSeconds, 1, 4.5);
        Assert.Single(silent.Asked);

        since = Stopwatch.GetTimestamp();
        Assert.Equal(["192.0.2.2"], DnsBytes.Read(await AskAsync(Example, true, silent.EndPoint, second.EndPoint)).Records);
        Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(1));
        Assert.Single(silent.Asked);
    }

    [Fact]
    public async Task Server_ThatIsSilentAndAloneIsAskedTwiceAndGivenUpBeforeTheClientAsksAgain()
    {
        using var silent = new PlaybackResolver(static _ => []);
        var since = Stopwatch.GetTimestamp();
        Assert.Empty(await AskAsync(Example, true, silent.EndPoint));
        Assert.InRange(Stopwatch.GetElapsedTime(since).TotalSeconds, 4, 5);
        Assert.Equal(2, silent.Asked.Count);
    }

    [Fact]
    public void Container_CannotHaveAllThatMayBeUnderWay()
    {
        var limits = new AskerLimits();
        Assert.Equal(AskerLimits.MostForwarded, Enumerable.Range(0, 1000).Count(_ => _forwarder.TryEnter(limits)));
        Assert.True(_forwarder.TryEnter(new AskerLimits()));
        Assert.Equal(QueryForwarder.MostAtOnce - AskerLimits.MostForwarded - 1, Enumerable.Range(0, 1000).Count(_ => _forwarder.TryEnter(new AskerLimits())));
        Assert.False(_forwarder.TryEnter(new AskerLimits()));
    }

    /// <summary>Whatever the host's resolver says: what is no answer is passed over, and the one that is one follows.</summary>
    [Property(MaxTest = 60)]
    public async Task Answers_OfAnyKindArePassedOver(byte[][] garbage, ushort position, byte value)
    {
        using var upstream = new PlaybackResolver(query =>
        {
            var changed = DnsBytes.Answer(query, IPAddress.Parse("192.0.2.1"));
            var at = 2 + (position % (changed.Length - 2));
            changed[at] = value;
            return [.. garbage.Select(static bytes => bytes ?? []).Take(20), changed, DnsBytes.Answer(query, IPAddress.Parse("192.0.2.1"))];
        });
        Assert.NotEmpty(await AskAsync(Example, true, upstream.EndPoint));
    }

    public void Dispose()
    {
        _forwarder.Dispose();
        _lab.Dispose();
    }

    private async Task<byte[]> AskAsync(byte[] message, bool isDatagram, params IPEndPoint[] servers)
    {
        var view = _lab.Registry.AddContainer(servers).View;
        DnsQuery.Parse(message, new char[DomainName.MaximumSize], out _, out var query);
        Assert.True(_forwarder.TryEnter(view.Limits));
        var answer = new byte[NameAnswers.LongestMessage];
        var length = await _forwarder.AskAsync(message, query, view, isDatagram, answer, CancellationToken.None);
        _forwarder.Exit(view.Limits);
        Assert.Equal(0, view.Limits.Forwarded.Taken);
        return answer[..length];
    }
}
