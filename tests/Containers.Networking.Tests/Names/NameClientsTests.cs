using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Containers.Tests.Names;

/// <summary>What programs get that others wrote: dig, glibc, musl and busybox.</summary>
public class NameClientsTests
{
    private const string Plain = "options ndots:0";

    [Fact]
    public async Task Dig_GetsAnswersOfAllKinds()
    {
        await using var lab = new ClientsLab();
        using var upstream = new PlaybackResolver("192.0.2.1");
        var client = lab.Add(2, upstream.EndPoint, "client");
        lab.Names.Add(lab.Zone, "10.1.0.3 fd00:1::3", "web", "www");
        lab.Names.Add(lab.Zone, "10.1.0.4", "four", "www");

        Assert.Equal("10.1.0.3 => 0", Dig("web"));
        Assert.Equal("fd00:1::3 => 0", Dig("WEB.net", "AAAA"));
        Assert.Equal("10.1.0.3 => 0", Dig("web", "+tcp"));
        Assert.Equal("10.1.0.3 => 0", Dig("web", "+noedns"));
        Assert.Equal("web.net. => 0", Dig("-x", "10.1.0.3"));
        Assert.Equal("=> 0", Dig("four", "AAAA"));
        Assert.Contains(Dig("www"), (string[])["10.1.0.3 10.1.0.4 => 0", "10.1.0.4 10.1.0.3 => 0"]);
        Assert.NotEqual(Dig("www"), Dig("www"));

        // Each of these lines is what dig complains with where something of a message is not right.
        var whole = lab.Run(client, Plain, "dig", "four", "AAAA", "+qr");
        Assert.Contains("status: NOERROR", whole, StringComparison.Ordinal);
        Assert.Contains("flags: qr aa rd ra;", whole, StringComparison.Ordinal);
        Assert.Contains("udp: 1232", whole, StringComparison.Ordinal);
        Assert.DoesNotContain("WARNING", whole, StringComparison.Ordinal);
        Assert.DoesNotContain("malformed", whole, StringComparison.Ordinal);
        Assert.Contains("status: NXDOMAIN", lab.Run(client, Plain, "dig", "-x", "10.1.0.9"), StringComparison.Ordinal);
        Assert.Contains("status: REFUSED", lab.Run(client, Plain, "dig", "CH", "TXT", "version.bind"), StringComparison.Ordinal);
        Assert.Contains("status: BADVERS", lab.Run(client, Plain, "dig", "+edns=1", "+noednsnegotiation", "web"), StringComparison.Ordinal);
        Assert.Contains("Transfer failed", lab.Run(client, Plain, "dig", "net", "AXFR"), StringComparison.Ordinal);
        Assert.Empty(upstream.Asked);

        Assert.Equal("192.0.2.1 => 0", Dig("example.org"));
        Assert.Equal("192.0.2.1 => 0", Dig("example.org", "+tcp"));
        Assert.Equal([true, false], upstream.Asked.Select(static asked => asked.IsDatagram));

        // A machine at the bridge that no container is.
        Assert.Contains("status: REFUSED", lab.Run(lab.Add(66, null), Plain, "dig", "web"), StringComparison.Ordinal);
        Assert.Equal(2, upstream.Asked.Count);

        string Dig(params string[] words) => lab.Run(client, Plain, ["dig", "+short", .. words]);
    }

    [Fact]
    public async Task Alias_OfManyIsWholeForEachLibrary()
    {
        await using var lab = new ClientsLab();
        var client = lab.Add(2, null, "client");
        string[] all = [.. Enumerable.Range(10, 150).Select(static last => $"10.1.0.{last}").Order(StringComparer.Ordinal)];
        foreach (var address in all)
        {
            lab.Names.Add(lab.Zone, address, "many");
        }

        Assert.Equal(all, Words(lab.Run(client, Plain, "dig", "+short", "many")));
        Assert.Equal(all, Words(lab.Run(client, Plain, "getent", "ahostsv4", "many")).Where(static word => word.StartsWith("10.", StringComparison.Ordinal)).Distinct());

        // musl takes 48 addresses of a name at most, and before 1.2.4 what fits into a datagram.
        Assert.Subset(all.ToHashSet(), Words(lab.RunMusl(client, Plain, "4", "many")).ToHashSet());
        Assert.InRange(Words(lab.RunMusl(client, Plain, "4", "many")).Length, 28, 48);

        static string[] Words(string output) => [.. output[..output.LastIndexOf("=>", StringComparison.Ordinal)].Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public async Task Glibc_FindsNamesAndAddresses()
    {
        await using var lab = new ClientsLab();
        using var upstream = new PlaybackResolver(static query => [DnsBytes.Answer(query, null, code: 3)]);
        var client = lab.Add(2, upstream.EndPoint, "client");
        lab.Names.Add(lab.Zone, "10.1.0.3", "four");
        lab.Names.Add(lab.Zone, "fd00:1::3", "six");
        foreach (var options in new[] { Plain, "search corp.example\noptions ndots:0", "search corp.example", "search corp.example\noptions ndots:3 use-vc", "options edns0 trust-ad" })
        {
            Assert.Equal("10.1.0.3 STREAM four 10.1.0.3 DGRAM 10.1.0.3 RAW => 0", WithoutDomain(lab.Run(client, options, "getent", "ahosts", "four")));
            Assert.Equal("fd00:1::3 STREAM six fd00:1::3 DGRAM fd00:1::3 RAW => 0", WithoutDomain(lab.Run(client, options, "getent", "ahosts", "six")));
            Assert.Equal("10.1.0.3 four.net => 0", lab.Run(client, options, "getent", "hosts", "10.1.0.3"));
        }

        Assert.Empty(upstream.Asked);
        Assert.Equal("=> 2", lab.Run(client, Plain, "getent", "hosts", "nobody"));
        Assert.NotEmpty(upstream.Asked);

        static string WithoutDomain(string output) => output.Replace(".corp.example", string.Empty, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Musl_FindsNamesAndAddresses()
    {
        await using var lab = new ClientsLab();
        using var upstream = new PlaybackResolver(static query => [DnsBytes.Answer(query, null, code: 3)]);
        var client = lab.Add(2, upstream.EndPoint, "client");
        lab.Names.Add(lab.Zone, "10.1.0.3", "four");
        lab.Names.Add(lab.Zone, "10.1.0.4 fd00:1::4", "both");
        foreach (var options in new[] { Plain, "search corp.example\noptions ndots:0", "search corp.example", "search corp.example\noptions ndots:3" })
        {
            // The question for the other family is asked beside it: a "no such name" there would be one for both.
            Assert.Equal("10.1.0.3 => 0", lab.RunMusl(client, options, "u", "four"));
            Assert.Equal("10.1.0.3 => 0", lab.RunMusl(client, options, "4", "four"));
            Assert.DoesNotContain("=> 0", lab.RunMusl(client, options, "6", "four"), StringComparison.Ordinal);
            Assert.Equal("fd00:1::4 => 0", lab.RunMusl(client, options, "6", "both"));
            Assert.Equal("four.net => 0", lab.RunMusl(client, options, "r", "10.1.0.3"));
        }

        Assert.Empty(upstream.Asked);
        Assert.Contains("=> 1", lab.RunMusl(client, Plain, "u", "nobody"), StringComparison.Ordinal);
        Assert.Contains("=> 1", lab.RunMusl(client, Plain, "u", "nobody.example"), StringComparison.Ordinal);
        Assert.NotEmpty(upstream.Asked);
    }

    [Fact]
    public async Task Busybox_LooksUpAndFetchesByName()
    {
        await using var lab = new ClientsLab();
        var client = lab.Add(2, null, "client");
        var web = lab.Add(3, null, "web-1", "web");
        using var listener = web.Namespace.Run(static () =>
        {
            var started = new TcpListener(IPAddress.Any, 80);
            started.Start();
            return started;
        });
        var serving = Task.Run(async () =>
        {
            using var connection = await listener.AcceptTcpClientAsync();
            await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"));
            _ = await connection.GetStream().ReadAsync(new byte[4096]);
        });
        Assert.Equal("hello => 0", lab.Run(client, Plain, "busybox", "wget", "-q", "-O", "-", "http://web/"));
        await serving;
        var shown = lab.Run(client, Plain, "busybox", "nslookup", "web");
        Assert.Contains("Name: web Address: 10.1.0.3", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("can't", shown, StringComparison.Ordinal);
        Assert.Contains("name = web-1.net", lab.Run(client, Plain, "busybox", "nslookup", "10.1.0.3"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InternalNetwork_LeaksNoQuery()
    {
        await using var lab = new ClientsLab(isInternal: true);
        using var upstream = new PlaybackResolver("192.0.2.1");
        var client = lab.Add(2, upstream.EndPoint, "client");
        lab.Names.Add(lab.Zone, "10.1.0.3", "web");
        Assert.Equal("10.1.0.3 => 0", lab.Run(client, Plain, "dig", "+short", "web"));
        foreach (var words in new string[][] { ["example.org"], ["example.org", "+tcp"], ["secret.attacker.example", "TXT"], ["-x", "8.8.8.8"], [".", "NS"], ["unknown"], ["web.example.org"] })
        {
            Assert.Contains("status: NXDOMAIN", lab.Run(client, Plain, ["dig", .. words]), StringComparison.Ordinal);
        }

        Assert.Equal("=> 2", lab.Run(client, "search corp.example", "getent", "hosts", "unknown"));
        Assert.Empty(upstream.Asked);
    }

    [Fact]
    public async Task Dnsmasq_AsTheHostsResolverIsAskedOverUdpAndTcp()
    {
        const string Program = "/usr/sbin/dnsmasq";
        Assert.SkipUnless(File.Exists(Program), "dnsmasq-base is not installed");
        await using var lab = new ClientsLab();
        var port = FreePort();
        var texts = string.Join(',', Enumerable.Range(0, 12).Select(static i => new string((char)('a' + i), 200)));
        using var dnsmasq = Process.Start(new ProcessStartInfo(Program, ["--keep-in-foreground", $"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
            "--conf-file=/dev/null", "--pid-file=", "--user=root", "--address=/example.test/192.0.2.7", "--address=/example.test/2001:db8::7", $"--txt-record=large.test,{texts}", "--mx-host=mail.test,mx.mail.test"])
        { UseShellExecute = false })!;
        try
        {
            var client = lab.Add(2, new IPEndPoint(IPAddress.Loopback, port), "client");
            Assert.True(SpinWait.SpinUntil(() => lab.Run(client, Plain, "dig", "+short", "+tries=1", "+time=1", "example.test") == "192.0.2.7 => 0", TimeSpan.FromSeconds(20)));
            Assert.Equal("2001:db8::7 => 0", lab.Run(client, Plain, "dig", "+short", "www.example.test", "AAAA"));
            Assert.Contains("mx.mail.test.", lab.Run(client, Plain, "dig", "+short", "mail.test", "MX"), StringComparison.Ordinal);
            Assert.Contains("192.0.2.7 => 0", lab.RunMusl(client, Plain, "4", "example.test"), StringComparison.Ordinal);

            // Too long for a datagram, so that dig asks again over TCP.
            var large = lab.Run(client, Plain, "dig", "large.test", "TXT");
            Assert.Contains("Truncated, retrying in TCP mode", large, StringComparison.Ordinal);
            Assert.Contains(new string('l', 200), large, StringComparison.Ordinal);
        }
        finally
        {
            dnsmasq.Kill();
            await dnsmasq.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    private static int FreePort()
    {
        using var resolver = new PlaybackResolver("192.0.2.1");
        return resolver.EndPoint.Port;
    }
}
