using System.Buffers.Binary;
using System.Net;
using Containers.Names;
using FsCheck.Xunit;

namespace Containers.Tests.Names;

[Trait("Category", "Rootless")]
public sealed class NameAnswersTests : IDisposable
{
    private const int A = 1;
    private const int Pointer = 12;
    private const int Mail = 15;
    private const int Text = 16;
    private const int Aaaa = 28;
    private const int Transfer = 252;
    private const int Any = 255;

    private readonly NamesLab _lab = new();
    private readonly ContainerNames _asker;

    public NameAnswersTests() => _asker = _lab.Add(_lab.Front, "10.1.0.2 fd00:1::2", "asker");

    [Theory]
    [InlineData("web")]
    [InlineData("WEB")]
    [InlineData("wEb.FRONT")]
    [InlineData("www.front")]
    [InlineData("web.corp.example")]
    [InlineData("Www.Lan")]
    public void Name_IsAnsweredInAnyCaseAndWithEachDomain(string name)
    {
        _lab.Add(_lab.Front, "10.1.0.3 fd00:1::3", "Web", "www");
        Assert.Equal(["10.1.0.3"], Ask(name)!.Records);
        Assert.Equal(["fd00:1::3"], Ask(name, Aaaa)!.Records);
        Assert.Equal(["10.1.0.3", "fd00:1::3"], Ask(name, Any)!.Records);
    }

    [Fact]
    public void Name_WithoutWhatIsAsked_ExistsAllTheSame()
    {
        _lab.Add(_lab.Front, "10.1.0.3", "four");
        _lab.Add(_lab.Front, "fd00:1::4", "six");
        foreach (var (name, type) in new[] { ("four", Aaaa), ("six", A), ("four", Mail), ("six", Text), ("four", Pointer) })
        {
            var answer = Ask(name, type)!;
            Assert.Equal(ResponseCode.Success, answer.Code);
            Assert.Empty(answer.Records);

            // glibc asks the next server where an empty answer has neither.
            Assert.True(answer.HasFlags(0x0480));
        }
    }

    [Fact]
    public void Alias_OfSeveralContainersHasAllTheirAddressesInTurn()
    {
        var last = Enumerable.Range(3, 3).Select(number => NamesLab.Join(_lab.Registry.AddContainer(), _lab.Front, $"10.1.0.{number}", $"web{number}", "web")).ToList()[^1];
        foreach (var first in new[] { 3, 4, 5, 3 })
        {
            // Libraries ask for both families at once, and yet each address has its turn.
            Assert.Equal([$"10.1.0.{first}", $"10.1.0.{((first - 2) % 3) + 3}", $"10.1.0.{((first - 1) % 3) + 3}"], Ask("web")!.Records);
            Assert.Empty(Ask("web", Aaaa)!.Records);
        }

        Assert.Equal(["10.1.0.4"], Ask("web4")!.Records);

        last.Dispose();
        last.Dispose();
        Assert.Equal(["10.1.0.3", "10.1.0.4"], Ask("web")!.Records.Order());
    }

    [Fact]
    public void Alias_WithMoreAddressesThanFitIsCutAndWholeOverTcp()
    {
        for (var i = 0; i < 200; i++)
        {
            _lab.Add(_lab.Front, $"10.1.1.{i}", $"web{i}", "web");
        }

        var plain = Ask("web")!;
        Assert.True(plain.IsTruncated);
        Assert.Equal((512 - 12 - 9) / 16, plain.Records.Count);
        var larger = Ask("web", payload: 4096)!;
        Assert.True(larger.IsTruncated);
        Assert.Equal((1232 - 12 - 9 - 11) / 16, larger.Records.Count);
        Assert.Equal((512 - 12 - 9 - 11) / 16, Ask("web", payload: 100)!.Records.Count);

        var whole = NamesLab.Ask(_asker.View, "web", isDatagram: false)!;
        Assert.False(whole.IsTruncated);
        Assert.Equal(200, whole.Records.Distinct().Count());
    }

    [Fact]
    public void Names_OfOtherNetworksAreNeitherSeenNorAskedOfOthers()
    {
        _lab.Add(_lab.Back, "10.2.0.3", "db", "db.example.org");
        foreach (var name in new[] { "db", "DB.back", "db.lan", "3.0.2.10.in-addr.arpa", "77.0.2.10.in-addr.arpa" })
        {
            Assert.Equal(ResponseCode.NoSuchName, Ask(name)!.Code);
        }

        // An alias that looks as a name of the Internet hides it in its own network only.
        Assert.Null(Ask("db.example.org"));
        Assert.Null(Ask("db.example.com"));
        Assert.Null(Ask("unknown"));
        Assert.Null(Ask("1.0.0.127.in-addr.arpa", Pointer));
    }

    [Fact]
    public void Container_OfTwoNetworksSeesBoth()
    {
        _lab.Add(_lab.Front, "10.1.0.3", "web", "any");
        _lab.Add(_lab.Back, "10.2.0.3", "db", "any");
        using (NamesLab.Join(_asker, _lab.Back, "10.2.0.2", "asker"))
        {
            Assert.Equal(["10.2.0.3"], Ask("db")!.Records);
            Assert.Equal(["10.1.0.3", "10.2.0.3"], Ask("any")!.Records.Order());
            Assert.Equal(["10.2.0.3"], Ask("any.back")!.Records);
            Assert.Equal(["db.back"], Ask("3.0.2.10.in-addr.arpa", Pointer)!.Records);
            Assert.Same(_asker.View, _lab.Back.ViewOf([10, 2, 0, 2]));
        }

        Assert.Equal(ResponseCode.NoSuchName, Ask("db")!.Code);
        Assert.Null(_lab.Back.ViewOf([10, 2, 0, 2]));
        Assert.Null(Ask("example.org"));
    }

    [Fact]
    public void Address_IsLookedUp()
    {
        _lab.Add(_lab.Front, "10.1.0.3 fd00:1::3", "web", "www");
        const string six = "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.d.f";
        Assert.Equal(["web.front"], Ask("3.0.1.10.in-addr.arpa", Pointer)!.Records);
        Assert.Equal(["web.front"], Ask("3.0.1.10.IN-ADDR.ARPA", Any)!.Records);
        Assert.Equal(ResponseCode.NoSuchName, Ask("4.0.1.10.in-addr.arpa", Pointer)!.Code);
        var padded = "3" + string.Concat(Enumerable.Repeat(".0", 15)) + ".0.0.0.0.0.0.0.0.1.0.0.0.0.0.d.f.ip6.arpa";
        Assert.Equal(["web.front"], Ask(padded, Pointer)!.Records);
        Assert.Equal(ResponseCode.NoSuchName, Ask("4" + padded[1..], Pointer)!.Code);

        // Not a whole address, so nobody's here.
        Assert.Null(Ask("1.10.in-addr.arpa", Pointer));
        Assert.Null(Ask("5.3.0.1.10.in-addr.arpa", Pointer));
        Assert.Null(Ask(six + ".ip6.arpa", Pointer));
    }

    [Fact]
    public void Network_WhoseNameIsNoneForDnsHasNamesAllTheSame()
    {
        foreach (var network in new[] { new string('n', 128), "a..b", "dot." })
        {
            var zone = _lab.Registry.AddZone(network, [IPNetwork.Parse("10.3.0.0/16")], isInternal: false);
            var inside = _lab.Add(zone, "10.3.0.2", "web");
            Assert.Equal(["10.3.0.2"], NamesLab.Ask(inside.View, "web")!.Records);
            Assert.Equal(["web"], NamesLab.Ask(inside.View, "2.0.3.10.in-addr.arpa", Pointer)!.Records);
            zone.Remove();
        }
    }

    [Fact]
    public void InternalNetwork_ForwardsNothing()
    {
        var inside = _lab.Add(_lab.Back, "10.2.0.3", "db");
        Assert.Equal(["10.2.0.3"], NamesLab.Ask(inside.View, "db")!.Records);
        foreach (var (name, type) in new[] { ("example.org", A), ("unknown", Aaaa), (string.Empty, 2), ("8.8.8.8.in-addr.arpa", Pointer), ("with space.example", Text) })
        {
            Assert.Equal(ResponseCode.NoSuchName, NamesLab.Ask(inside.View, name, type)!.Code);
        }
    }

    [Fact]
    public void Stranger_IsRefused()
    {
        Assert.Null(_lab.Front.ViewOf([10, 1, 0, 77]));
        foreach (var name in new[] { "asker", "example.org" })
        {
            var answer = NamesLab.Ask(null, name)!;
            Assert.Equal(ResponseCode.Refused, answer.Code);
            Assert.Empty(answer.Records);
        }
    }

    [Fact]
    public void Queries_ThatAreNobodysAreRefusedAndNotForwarded()
    {
        Assert.Equal(ResponseCode.Refused, Ask("example.org", Transfer)!.Code);
        Assert.Equal(ResponseCode.Refused, NamesLab.Ask(_asker.View, "version.bind", Text, @class: 3)!.Code);

        // BADVERS: the lower part in the header, the upper one in the options.
        Assert.Equal(ResponseCode.Success, NamesLab.Ask(_asker.View, "asker", payload: 1232, version: 1)!.Code);
        Assert.Empty(NamesLab.Ask(_asker.View, "asker", payload: 1232, version: 1)!.Records);

        var update = DnsBytes.Query("example.org", A);
        update[2] = 5 << 3;
        Assert.Equal((QueryVerdict.Reply, ResponseCode.NotImplemented), Decide(update));
        var two = DnsBytes.Query("example.org", A);
        two[5] = 2;
        Assert.Equal((QueryVerdict.Reply, ResponseCode.FormatError), Decide(two));
        Assert.Equal((QueryVerdict.Reply, ResponseCode.FormatError), Decide([.. DnsBytes.Query("example.org", A), 0]));
        byte[] pointer = [.. DnsBytes.Query("x", A)[..12], 0xC0, 12, 0, 1, 0, 1];
        Assert.Equal((QueryVerdict.Reply, ResponseCode.FormatError), Decide(pointer));
        var answer = DnsBytes.Query("example.org", A);
        answer[2] |= 0x80;
        Assert.Equal(QueryVerdict.Ignore, Decide(answer).Verdict);
        Assert.Equal(QueryVerdict.Ignore, Decide([]).Verdict);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData("a b")]
    [InlineData("web.")]
    [InlineData("wéb")]
    [InlineData("a\0b")]
    public void Name_ThatCannotBeAskedForIsRefused(string name) =>
        Assert.Throws<ArgumentException>("names", () => _lab.Add(_lab.Front, "10.1.0.9", "fine", name));

    [Fact]
    public void Name_ThatIsTooLongIsRefusedAndLeavesNothing()
    {
        Assert.Throws<ArgumentException>("names", () => _lab.Add(_lab.Front, "10.1.0.9", "fine", new string('a', 64)));
        Assert.Throws<ArgumentException>("names", () => _lab.Add(_lab.Front, "10.1.0.9", "fine", string.Join('.', Enumerable.Repeat(new string('a', 63), 4))));
        Assert.Null(_lab.Front.ViewOf([10, 1, 0, 9]));
        Assert.Null(_lab.Front.Find("fine"));
        var longest = string.Join('.', Enumerable.Repeat(new string('a', 62), 4));
        _lab.Add(_lab.Front, "10.1.0.9", longest);
        Assert.Equal(["10.1.0.9"], Ask(longest)!.Records);
        Assert.Equal([longest], Ask("9.0.1.10.in-addr.arpa", Pointer)!.Records);
    }

    /// <summary>Whatever comes: an answer within its bounds and to that question, or none, or a whole question for the host's resolver.</summary>
    [Property(MaxTest = 3000)]
    public void Bytes_OfAnyKindAreAnsweredOrIgnored(byte[] bytes) => Decide(bytes);

    /// <summary>The same with what almost is a right query: a byte of it, or its length, is another.</summary>
    [Property(MaxTest = 5000)]
    public void Queries_WithAnyByteChangedAreAnsweredOrIgnored(ushort position, byte value, ushort length, ushort second, byte other)
    {
        foreach (var bytes in new[] { DnsBytes.Query("web.Front", A, payload: 1232), DnsBytes.Query("3.0.1.10.in-addr.arpa", Pointer), DnsBytes.Query("asker", Any, payload: 40000) })
        {
            bytes[position % bytes.Length] = value;
            Decide(bytes);
            Decide(bytes.AsSpan(0, length % bytes.Length).ToArray());
            bytes[second % bytes.Length] = other;
            Decide(bytes);
        }
    }

    public void Dispose() => _lab.Dispose();

    private DnsAnswer? Ask(string name, int type = A, int? payload = null) => NamesLab.Ask(_asker.View, name, type, payload: payload);

    private (QueryVerdict Verdict, ResponseCode Code) Decide(byte[] message)
    {
        var buffer = new byte[NameAnswers.LongestDatagram];
        var verdict = NameAnswers.Decide(message, _asker.View, isDatagram: true, buffer, out var length, out var query);
        if (verdict != QueryVerdict.Reply)
        {
            Assert.Equal(0, length);
            Assert.True(verdict == QueryVerdict.Ignore || query.QuestionEnd is > 16 and <= 271);
            return (verdict, default);
        }

        Assert.InRange(length, 12, query.PayloadSize);
        Assert.Equal(message[..2], buffer[..2]);
        Assert.NotEqual(0, buffer[2] & 0x80);
        Assert.Equal(query.QuestionEnd > 0 ? 1 : 0, BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(4)));
        return (verdict, (ResponseCode)(buffer[3] & 15));
    }
}
