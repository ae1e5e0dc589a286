using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Containers.Nftables;
using static Containers.Tests.Egress.EgressLab;

namespace Containers.Tests.Egress;

/// <summary>Policies, with what the kernel makes of them.</summary>
public class EgressRulesTests
{
    private const int Tcp = 6;
    private const int Udp = 17;

    [Fact]
    public void Allowed_IsReachedAndAllElseIsRefusedAtOnceAndCounted()
    {
        using var lab = new EgressLab();
        lab.Serve(lab.Away.Namespace, Outside, 443);
        lab.Serve(lab.Away.Namespace, Outside, 80);
        lab.Serve(lab.Away.Namespace, Outside6, 443);
        Reached(lab.A.Namespace, Outside, 80);
        var session = lab.Guarded(EgressPolicy.Nothing.Allow("198.51.100.0/24", 443).Allow("2001:db8::/32", 443));

        Reached(lab.A.Namespace, Outside, 443);
        Reached(lab.A.Namespace, Outside6, 443);
        Refused(lab.A.Namespace, Outside, 80);
        Refused(lab.A.Namespace, Outside6, 80);
        var udp = lab.Datagrams(lab.A.Namespace, new IPEndPoint(IPAddress.Any, 0));
        udp.Connect(Outside, 443);
        udp.Send(new byte[100]);
        Assert.Throws<SocketException>(() => udp.Receive(new byte[1]));

        var usage = session.Usage();
        Assert.Equal(3, usage.RefusedPackets);
        Assert.True(usage.RefusedBytes > 100 + 28);
        Assert.True(usage.SentPackets > 4);
        Assert.Equal(0, usage.SpoofedPackets);
        Assert.Equal([(Tcp, 80), (Tcp, 80), (Udp, 443)], usage.Refused.Select(static refused => (refused.Protocol, refused.Port)).Order());
        Assert.Contains(new RefusedDestination(Outside6, Tcp, 80, 1), usage.Refused);
    }

    [Fact]
    public void HostAndOtherContainersAndMetadata_AreNotMeantByLargeNetworks()
    {
        using var lab = new EgressLab();
        Add(lab.Host, lab.Host.Route.Links.Get("lo").Index, IPAddress.Parse("169.254.169.254"), 32);
        Add(lab.Host, lab.Host.Route.Links.Get("lo").Index, IPAddress.Parse("fd00:ec2::254"), 128);
        lab.Serve(lab.Host.Namespace, IPAddress.Any, 9999);
        lab.Serve(lab.Host.Namespace, IPAddress.IPv6Any, 9999);
        lab.Serve(lab.B.Namespace, lab.B.Address, 9999);
        lab.Serve(lab.B.Namespace, lab.B.Address6, 9999);
        lab.Serve(lab.Away.Namespace, Outside, 9999);
        IPAddress[] special = [Gateway, Gateway6, IPAddress.Parse("198.51.100.254"), IPAddress.Parse("169.254.169.254"), IPAddress.Parse("fd00:ec2::254"), lab.B.Address, lab.B.Address6];
        foreach (var address in special)
        {
            Reached(lab.A.Namespace, address, 9999);
        }

        lab.Guarded(EgressPolicy.Nothing.Allow("0.0.0.0/0").Allow("::/0"));
        Reached(lab.A.Namespace, Outside, 9999);
        foreach (var address in special)
        {
            Refused(lab.A.Namespace, address, 9999);
        }
    }

    [Fact]
    public void HostAndOtherContainersAndMetadata_AreReachedWhereThePolicyNamesThem()
    {
        using var lab = new EgressLab();
        Add(lab.Host, lab.Host.Route.Links.Get("lo").Index, IPAddress.Parse("169.254.169.254"), 32);
        lab.Serve(lab.Host.Namespace, IPAddress.Any, 9999);
        lab.Serve(lab.B.Namespace, lab.B.Address, 9999);
        lab.Serve(lab.B.Namespace, lab.B.Address, 80);
        lab.Guarded(EgressPolicy.Nothing.AllowHost(9999).Allow("10.9.0.3", 9999).Allow("169.254.169.254/32"));
        Reached(lab.A.Namespace, Gateway, 9999);
        Reached(lab.A.Namespace, lab.B.Address, 9999);
        Reached(lab.A.Namespace, IPAddress.Parse("169.254.169.254"), 9999);
        Refused(lab.A.Namespace, lab.B.Address, 80);
        Refused(lab.A.Namespace, Gateway, 80);
    }

    [Fact]
    public void WhoComesFromElsewhere_IsAnswered()
    {
        using var lab = new EgressLab();
        lab.Serve(lab.A.Namespace, lab.A.Address, 8080);
        lab.Serve(lab.A.Namespace, lab.A.Address6, 8080);
        lab.Echo(lab.A.Namespace, lab.A.Address, 8081);
        lab.Guarded(EgressPolicy.Nothing);
        Reached(lab.B.Namespace, lab.A.Address, 8080);
        Reached(lab.B.Namespace, lab.A.Address6, 8080);
        Reached(lab.Away.Namespace, lab.A.Address, 8080);
        Reached(lab.Host.Namespace, lab.A.Address, 8080);
        var udp = lab.Datagrams(lab.Away.Namespace, new IPEndPoint(IPAddress.Any, 0));
        udp.Connect(lab.A.Address, 8081);
        udp.Send([7]);
        var answer = new byte[2];
        Assert.Equal(1, udp.Receive(answer));

        // And it cannot begin anything with those who came.
        Refused(lab.A.Namespace, lab.B.Address, 8080);
    }

    [Fact]
    public void Names_AreReachedWhileTheirAnswerHoldsAndConnectionsStay()
    {
        using var lab = new EgressLab();
        lab.Serve(lab.Away.Namespace, Outside, 443);
        lab.Echo(lab.Away.Namespace, Outside, 444);
        var session = lab.Guarded(EgressPolicy.Nothing.AllowName("Example.org", 443).AllowName("*.example.net", 444, PortProtocol.Udp));
        Assert.True(session.MayResolve("example.ORG."));
        Assert.True(session.MayResolve("a.b.example.net"));
        Assert.False(session.MayResolve("example.net"));
        Assert.False(session.MayResolve("badexample.net"));
        Assert.False(session.MayResolve("example.org.evil"));

        Refused(lab.A.Namespace, Outside, 443);
        session.Answered("example.org", [Outside, Outside6], TimeSpan.FromSeconds(60), isOwn: false);
        Reached(lab.A.Namespace, Outside, 443);
        Refused(lab.A.Namespace, Outside, 444);

        session.Answered("www.example.net.", [Outside], TimeSpan.FromSeconds(60), isOwn: false);
        var udp = lab.Datagrams(lab.A.Namespace, new IPEndPoint(IPAddress.Any, 0));
        udp.Connect(Outside, 444);
        udp.Send([7]);
        Assert.Equal(1, udp.Receive(new byte[2]));

        // The answers end.
        lab.Nft.Commit(batch => batch.FlushSet(session.Chains.Four.Names));
        Refused(lab.A.Namespace, Outside, 443);
        udp.Send([8]);
        Assert.Equal(1, udp.Receive(new byte[2]));
    }

    [Fact]
    public void Answer_ThatIsGivenAgainHoldsLonger()
    {
        using var lab = new EgressLab();
        var session = lab.Guarded(EgressPolicy.Nothing.AllowName("example.org", 443));
        session.Answered("example.org", [Outside], TimeSpan.FromSeconds(60), isOwn: false);
        session.Answered("example.org", [Outside], TimeSpan.FromHours(1), isOwn: false);
        Assert.Contains("198.51.100.1 . 6 . 443 timeout 3600s", lab.Host.Words("nft", "-n", "list", "ruleset"), StringComparison.Ordinal);
    }

    [Fact]
    public void NameThatLeadsToTheHostOrToMetadata_IsRefusedUnlessTheEngineItselfSaysSo()
    {
        using var lab = new EgressLab();
        lab.Serve(lab.Host.Namespace, Gateway, 443);
        lab.Serve(lab.B.Namespace, lab.B.Address, 443);
        var session = lab.Guarded(EgressPolicy.Nothing.AllowName("rebind.example", 443).AllowName("db", 443));
        session.Answered("rebind.example", [Gateway, lab.B.Address], TimeSpan.FromSeconds(60), isOwn: false);
        Refused(lab.A.Namespace, Gateway, 443);
        Refused(lab.A.Namespace, lab.B.Address, 443);
        session.Answered("db", [lab.B.Address], TimeSpan.FromSeconds(60), isOwn: true);
        Reached(lab.A.Namespace, lab.B.Address, 443);
        Refused(lab.A.Namespace, Gateway, 443);
    }

    [Fact]
    public void Total_EndsWithARefusalAndIsCounted()
    {
        using var lab = new EgressLab();
        lab.Serve(lab.Away.Namespace, Outside, 443);
        var session = lab.Guarded(EgressPolicy.Nothing.Allow("198.51.100.1", 443).Limit(totalBytes: 20.KB));
        Reached(lab.A.Namespace, Outside, 443);
        Assert.InRange(session.Usage().RemainingBytes!.Value.Bytes, 20 * 1024 - 1500, 20 * 1024 - 100);
        for (var sent = 0; sent < 200 && session.Usage().LimitedPackets == 0; sent++)
        {
            _ = Connect(lab.A.Namespace, Outside, 443);
        }

        Refused(lab.A.Namespace, Outside, 443);
        var usage = session.Usage();
        Assert.Equal(0, usage.RemainingBytes!.Value.Bytes);
        Assert.True(usage.LimitedPackets > 0);
        Assert.Equal(0, usage.RefusedPackets);
    }

    [Fact]
    public void DnsServerOfTheNetwork_IsReachedWhateverThePolicy()
    {
        using var lab = new EgressLab();
        lab.Serve(lab.Host.Namespace, Gateway, 53);
        lab.Echo(lab.Host.Namespace, Gateway, 53);
        lab.Guarded(EgressPolicy.Nothing);
        Reached(lab.A.Namespace, Gateway, 53);
        var udp = lab.Datagrams(lab.A.Namespace, new IPEndPoint(IPAddress.Any, 0));
        udp.Connect(Gateway, 53);
        udp.Send([7]);
        Assert.Equal(1, udp.Receive(new byte[2]));
    }

    [Fact]
    public void Fragments_AreRefused()
    {
        using var lab = new EgressLab();
        lab.Echo(lab.Away.Namespace, Outside, 444);
        var session = lab.Guarded(EgressPolicy.Nothing.Allow("198.51.100.1", 444, PortProtocol.Udp));
        var udp = lab.Datagrams(lab.A.Namespace, new IPEndPoint(IPAddress.Any, 0));
        udp.ReceiveTimeout = 300;
        udp.Connect(Outside, 444);
        udp.Send(new byte[4000]);
        Assert.Throws<SocketException>(() => udp.Receive(new byte[8000]));
        Assert.True(session.Usage().RefusedPackets >= 2);
    }

    [Fact]
    public void Removal_LeavesNothingAndKeepsTheCounts()
    {
        using var lab = new EgressLab();
        var before = lab.Host.Run("nft", "list", "ruleset");
        var session = lab.Guarded(EgressPolicy.Nothing.AllowName("example.org", 443).Limit(1.MB, 10.MB));
        Refused(lab.A.Namespace, Outside, 80);
        lab.Host.Route.Links.Delete(lab.Host.Route.Links.Get("cv-a").Index);
        session.Finish();
        session.RemovePort(lab.A.Port);
        Assert.Equal(before, lab.Host.Run("nft", "list", "ruleset"));
        Assert.Equal(1, session.Usage().RefusedPackets);
        session.Answered("example.org", [Outside], TimeSpan.FromSeconds(60), isOwn: false);
    }

    [Fact]
    public void Rules_AreReadAsTheyWereMeant()
    {
        using var lab = new EgressLab();
        lab.Guarded(EgressPolicy.Nothing.Allow("10.0.0.0/8", 443).AllowPorts("192.0.2.7", 8000, 8010, PortProtocol.Udp).AllowName("example.org", 443).Limit(1.MB, 10.MB));
        var shown = lab.Host.Words("nft", "list", "ruleset");
        foreach (var expected in new[]
        {
            "type filter hook ingress device \"cv-a\" priority -200; policy accept;",
            "type filter hook egress device \"cv-a\" priority -200; policy accept;",
            "iifname . @ll,48,48 != @hardware drop",
            "@ll,96,16 0x800 goto pinned-ip4",
            "iifname . @ll,48,48 . ip saddr @address4 return",
            "ip daddr 10.0.0.0/8 tcp dport 443 goto pass-a",
            "ip daddr 192.0.2.7 udp dport 8000-8010 goto pass-a",
            "quota name \"quota-a\" counter name \"limited-a\" goto reject-a",
            "limit rate over 1 mbytes/second burst 20971 bytes counter name \"limited-a\" drop",
            "size 16384 flags dynamic,timeout",
            "reject with icmpx admin-prohibited",
        })
        {
            Assert.Contains(expected, shown, StringComparison.Ordinal);
        }

        // Some multicast of the other machines' kernels may have come by since: they say what groups they listen to when their links come up.
        const int MulticastReports = 1000;
        var used = Regex.Match(shown, @"quota quota-a \{ over 10 mbytes( used (?<bytes>\d+) bytes)? \}", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture);
        Assert.True(used.Success, shown);
        Assert.InRange(used.Groups["bytes"].Success ? int.Parse(used.Groups["bytes"].Value, CultureInfo.InvariantCulture) : 0, 0, MulticastReports);
    }

    [Fact]
    public void WhoCame_IsAnsweredAndNotCalledBack()
    {
        using var lab = new EgressLab();
        const int Theirs = 40000;
        var session = lab.Guarded(EgressPolicy.Nothing);
        using (var listener = lab.A.Namespace.Run(() => Bound(lab.A.Address, 8080)))
        using (var caller = lab.Away.Namespace.Run(static () => Bound(Outside, Theirs)))
        {
            listener.Listen();
            caller.Connect(lab.A.Address, 8080);
            using var accepted = listener.Accept();
            accepted.Send([42]);
            Assert.Equal(1, caller.Receive(new byte[1]));
            caller.Shutdown(SocketShutdown.Both);
            Assert.Equal(0, accepted.Receive(new byte[1]));
        }

        // The port that it came from is another service of its machine's now, and the answer's way is still open.
        lab.Serve(lab.Away.Namespace, Outside, Theirs);
        using var back = lab.A.Namespace.Run(() => Bound(lab.A.Address, 8080));
        Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => back.Connect(Outside, Theirs)).SocketErrorCode);
        Assert.Contains(new RefusedDestination(Outside, Tcp, Theirs, 1), session.Usage().Refused);

        static Socket Bound(IPAddress address, int port)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(address, port));
            return socket;
        }
    }

    [Fact]
    public void Names_ThatTwoRulesMeanAreAnsweredLikeOthers()
    {
        using var lab = new EgressLab();
        lab.Serve(lab.Away.Namespace, Outside, 443);
        var session = lab.Guarded(EgressPolicy.Nothing.AllowName("a.example.org", 443).AllowName("A.example.org.", 443).AllowName("*.example.org", 443).Allow("192.0.2.0/24", 1).Allow("192.0.2.0/24", 1));
        session.Answered("a.example.org", [Outside, Outside], TimeSpan.FromSeconds(60), isOwn: false);
        session.Answered("a.example.org", [Outside], TimeSpan.FromSeconds(60), isOwn: false);
        Reached(lab.A.Namespace, Outside, 443);
    }
}
