using System.Net;
using System.Net.NetworkInformation;
using Containers.Nftables;

namespace Containers.Tests.Nftables;

/// <summary>What is written, as nft(8) reads it.</summary>
public class RulesetTests
{
    private static readonly IPNetwork Subnet4 = IPNetwork.Parse("172.30.0.0/16");
    private static readonly IPNetwork Subnet6 = IPNetwork.Parse("fd00:1::/64");

    [Fact]
    public void Chains_OfEachFamilyHaveTheirHooksPrioritiesAndPolicies()
    {
        using var host = TestNamespace.Create();
        using var nft = NftablesClient.Open(host.Namespace);
        nft.Commit(batch =>
        {
            foreach (var family in new[] { NftFamily.Inet, NftFamily.Ip, NftFamily.Ip6, NftFamily.Bridge })
            {
                var table = new Table(family, "t");
                batch.AddTable(table);
                batch.AddChain(new Chain(table, "plain"));
                batch.AddChain(new Chain(table, "forward") { Hook = new Hook(HookPoint.Forward, ChainPriority.Filter) { Policy = ChainPolicy.Drop } });
            }

            batch.AddChain(new Chain(new Table(NftFamily.Ip, "t"), "pre") { Hook = new Hook(HookPoint.Prerouting, ChainPriority.DestinationNat) { Type = ChainType.Nat } });
            var netdev = new Table(NftFamily.Netdev, "t");
            batch.AddTable(netdev);
            batch.AddChain(new Chain(netdev, "in") { Hook = new Hook(HookPoint.Ingress, 0) { Device = "lo" } });
        });

        var shown = host.Words("nft", "list", "ruleset");
        Assert.Contains("table inet t { chain plain { } chain forward { type filter hook forward priority filter; policy drop; } }", shown, StringComparison.Ordinal);
        Assert.Contains("table ip6 t { chain plain { } chain forward { type filter hook forward priority filter; policy drop; } }", shown, StringComparison.Ordinal);
        Assert.Contains("chain pre { type nat hook prerouting priority dstnat; policy accept; }", shown, StringComparison.Ordinal);
        Assert.Contains("table bridge t", shown, StringComparison.Ordinal);
        Assert.Contains("type filter hook ingress device \"lo\" priority filter; policy accept;", shown, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Rule_IsReadAsItWasMeant(string expected)
    {
        using var host = TestNamespace.Create();
        using var nft = NftablesClient.Open(host.Namespace);
        var (chain, rule) = Build(expected);
        nft.Commit(batch =>
        {
            batch.AddTable(chain.Table);
            batch.AddChain(chain);
            batch.AddChain(new Chain(chain.Table, "other"));
            batch.AddRule(chain, rule);
        });
        var shown = host.Run("nft", "-n", "list", "chain", chain.Table.Family.Word(), "t", "c").Split('\n');
        Assert.Equal(expected, shown[^4].Trim());
    }

    public static TheoryData<string> Rules => [.. All.Keys];

    private static Dictionary<string, (NftFamily Family, HookPoint Point, ChainType Type, Statement[] Statements)> All { get; } = new(StringComparer.Ordinal)
    {
        ["iifname \"br0\" oifname != \"br0\" accept"] = Filter(NftFamily.Inet, Match.InputInterface("br0"), Match.NotOutputInterface("br0"), Act.Accept),
        ["ip saddr 172.30.0.0/16 ip daddr 10.0.0.1 tcp dport 80 counter packets 0 bytes 0 accept"] =
            Filter(NftFamily.Inet, Match.Source(Subnet4), Match.Destination(IPAddress.Parse("10.0.0.1")), Match.TcpDestinationPort(80), Act.Counter, Act.Accept),
        ["ip6 saddr fd00:1::/64 ip6 daddr != fd00:1::/64 udp dport 8000-8010 drop"] =
            Filter(NftFamily.Inet, Match.Source(Subnet6), Match.NotDestination(Subnet6), Match.UdpDestinationPorts(8000, 8010), Act.Drop),
        ["ip daddr 172.30.0.5 iifname != \"br0\" drop"] = Filter(NftFamily.Ip, Match.Destination(IPAddress.Parse("172.30.0.5")), Match.NotInputInterface("br0"), Act.Drop),
        ["ct state 0x2,0x4 accept"] = Filter(NftFamily.Inet, Match.State(ConnectionState.Established | ConnectionState.Related), Act.Accept),
        ["ct status 0x20 accept"] = Filter(NftFamily.Inet, Match.Status(ConnectionStatus.DestinationNat), Act.Accept),
        ["ct original ip daddr 192.0.2.1 jump other"] = Filter(NftFamily.Ip, Match.OriginalDestination(IPAddress.Parse("192.0.2.1")), Act.Jump("other")),
        ["fib daddr type 2 goto other"] = Filter(NftFamily.Inet, Match.DestinationIsLocal, Act.Goto("other")),
        ["meta l4proto 17 return"] = Filter(NftFamily.Inet, Match.TransportProtocol(TransportProtocol.Udp), Act.Return),
        ["meta mark 0x00000007 meta mark set 0x00000008"] = Filter(NftFamily.Inet, Match.Mark(7), Act.SetMark(8)),
        ["ct mark set 0x00000009"] = Filter(NftFamily.Inet, Act.SetConnectionMark(9)),
        ["meta pkttype 2 drop"] = Filter(NftFamily.Inet, Match.PacketType(PacketType.Multicast), Act.Drop),
        ["limit rate over 10/minute burst 20 packets drop"] = Filter(NftFamily.Inet, Match.RateOver(10, TimeSpan.FromMinutes(1), 20), Act.Drop),
        ["quota over 1 mbytes drop"] = Filter(NftFamily.Inet, Match.QuotaOver(1 << 20), Act.Drop),
        ["limit rate over 1 mbytes/second burst 64 kbytes drop"] = Filter(NftFamily.Inet, Match.BytesASecondOver(1 << 20, 64 << 10), Act.Drop),
        ["tcp flags 0x2 / 0x1,0x2,0x4,0x10 accept"] = Filter(
            NftFamily.Inet,
            Match.TcpFlags(TcpFlags.Finish | TcpFlags.Synchronize | TcpFlags.Reset | TcpFlags.Acknowledge, TcpFlags.Synchronize),
            Act.Accept),
        ["arp operation 1 drop"] = Filter(NftFamily.Bridge, Match.Is(Field.ArpOperation, new byte[] { 0, 1 }), Act.Drop),
        ["ct count over 100 reject"] = Filter(NftFamily.Inet, Match.ConnectionsOver(100), Act.Reject),
        ["meta l4proto 6 reject with tcp reset"] = Filter(NftFamily.Inet, Act.ResetTcp),
        ["reject with icmpx 3"] = Filter(NftFamily.Inet, Act.Prohibit),
        ["log prefix \"ours: \" level info"] = Filter(NftFamily.Inet, Act.Log("ours: ", 6)),
        ["icmpv6 type 134 drop"] = Filter(NftFamily.Ip6, Match.Is(Field.Icmp6Type, Value.Byte(134)), Act.Drop),
        ["ether saddr != 02:00:00:00:00:01 drop"] = Filter(NftFamily.Bridge, Match.NotEthernetSource(PhysicalAddress.Parse("02-00-00-00-00-01")), Act.Drop),
        ["ip saddr != 172.30.0.5 drop"] = Filter(NftFamily.Bridge, Match.NotSource(IPAddress.Parse("172.30.0.5")), Act.Drop),
        ["arp saddr ip != 172.30.0.5 drop"] = Filter(NftFamily.Bridge, Match.IsNot(Field.ArpSenderAddress, Value.Of(IPAddress.Parse("172.30.0.5"))), Act.Drop),
        ["arp saddr ether != 02:00:00:00:00:01 drop"] = Filter(NftFamily.Bridge, Match.IsNot(Field.ArpSenderHardware, Value.Of(PhysicalAddress.Parse("02-00-00-00-00-01"))), Act.Drop),
        ["ip saddr 172.30.0.0/16 oifname != \"br0\" masquerade fully-random"] =
            (NftFamily.Ip, HookPoint.Postrouting, ChainType.Nat, [Match.Source(Subnet4), Match.NotOutputInterface("br0"), Act.Masquerade(random: true)]),
        ["fib daddr type 2 tcp dport 8080 dnat to 172.30.0.5:80"] =
            (NftFamily.Ip, HookPoint.Prerouting, ChainType.Nat, [Match.DestinationIsLocal, Match.TcpDestinationPort(8080), Act.DestinationNat(IPAddress.Parse("172.30.0.5"), 80)]),
        ["tcp dport 8080 dnat to [fd00:1::5]:80"] =
            (NftFamily.Ip6, HookPoint.Prerouting, ChainType.Nat, [Match.TcpDestinationPort(8080), Act.DestinationNat(IPAddress.Parse("fd00:1::5"), 80)]),
        ["ip daddr 192.0.2.1 tcp dport 8080 dnat ip to 172.30.0.5:80"] = (NftFamily.Inet, HookPoint.Prerouting, ChainType.Nat,
            [Match.Destination(IPAddress.Parse("192.0.2.1")), Match.TcpDestinationPort(8080), Act.DestinationNat(IPAddress.Parse("172.30.0.5"), 80)]),
        ["udp dport 53 redirect to :5353"] = (NftFamily.Inet, HookPoint.Prerouting, ChainType.Nat, [Match.UdpDestinationPort(53), Act.Redirect(5353)]),
        ["ip saddr 172.30.0.0/16 snat to 192.0.2.1"] = (NftFamily.Ip, HookPoint.Postrouting, ChainType.Nat, [Match.Source(Subnet4), Act.SourceNat(IPAddress.Parse("192.0.2.1"))]),
        ["notrack"] = (NftFamily.Ip, HookPoint.Prerouting, ChainType.Filter, [Act.NoTrack]),
    };

    [Fact]
    public void Sets_OfRangesConcatenationsVerdictsAndDataAreReadAsTheyWereMeant()
    {
        using var host = TestNamespace.Create();
        using var nft = NftablesClient.Open(host.Namespace);
        var table = new Table(NftFamily.Ip, "t");
        var chain = new Chain(table, "c") { Hook = new Hook(HookPoint.Forward, 0) };
        var nat = new Chain(table, "n") { Hook = new Hook(HookPoint.Prerouting, ChainPriority.DestinationNat) { Type = ChainType.Nat } };
        var networks = new Set(table, "networks", DataType.Ip4) { Intervals = true };
        var pairs = new Set(table, "pairs", DataType.Ip4, DataType.Port) { Counters = true };
        var allowed = new Set(table, "allowed", DataType.Ip4, DataType.Port) { Intervals = true };
        var bridges = new Set(table, "bridges", DataType.InterfaceName) { Verdicts = true };
        var ports = new Set(table, "ports", DataType.Port) { Data = [DataType.Ip4, DataType.Port] };
        var temporary = new Set(table, "temporary", DataType.Ip4) { Timeouts = true };

        nft.Commit(batch =>
        {
            batch.AddTable(table);
            batch.AddChain(new Chain(table, "to-br0"));
            batch.AddChain(chain);
            batch.AddChain(nat);
            foreach (var set in new[] { networks, pairs, allowed, bridges, ports, temporary })
            {
                batch.AddSet(set);
            }

            batch.AddElements(networks, SetElement.Of(IPNetwork.Parse("10.0.0.0/8")), SetElement.Of(IPNetwork.Parse("255.255.0.0/16")), SetElement.Of(IPNetwork.Parse("192.0.2.7/32")));
            batch.AddElements(pairs, new SetElement(Value.Join(Value.Of(IPAddress.Parse("172.30.0.5")), Value.Port(80))) { Comment = "web" });
            batch.AddElements(allowed, new SetElement(Value.Join(Value.Of(IPAddress.Parse("172.30.0.0")), Value.Port(1000)))
            {
                LastKey = Value.Join(Value.Of(IPAddress.Parse("172.30.255.255")), Value.Port(2000)),
            });
            batch.AddElements(bridges, new SetElement(Value.Interface("br0")) { Verdict = Verdict.Jump("to-br0") }, new SetElement(Value.Interface("br1")) { Verdict = Verdict.Drop });
            batch.AddElements(ports, new SetElement(Value.Port(8080)) { Data = Value.Join(Value.Of(IPAddress.Parse("172.30.0.5")), Value.Port(80)) });
            batch.AddElements(temporary, new SetElement(Value.Of(IPAddress.Parse("192.0.2.9"))) { Timeout = TimeSpan.FromHours(1) });
            batch.AddRule(chain, new Rule(Match.In("networks", Field.Ip4Destination), Act.Drop));
            batch.AddRule(chain, new Rule(Match.TransportProtocol(TransportProtocol.Tcp), Match.In("pairs", Field.Ip4Destination, Field.TcpDestinationPort), Act.Accept));
            batch.AddRule(chain, new Rule(Match.NotIn("allowed", Field.Ip4Destination, Field.TcpDestinationPort), Act.Drop));
            batch.AddRule(chain, new Rule(Act.VerdictOf("bridges", Field.OutputInterface)));
            batch.AddRule(nat, new Rule(Act.DestinationNatOf("ports", EtherType.Ip4, withPort: true, Field.TcpDestinationPort)));
        });

        var shown = host.Words("nft", "list", "ruleset");
        Assert.Contains("elements = { 10.0.0.0/8, 192.0.2.7, 255.255.0.0/16 }", shown, StringComparison.Ordinal);
        Assert.Contains("172.30.0.5 . 80 counter packets 0 bytes 0 comment \"web\"", shown, StringComparison.Ordinal);
        Assert.Contains("elements = { 172.30.0.0/16 . 1000-2000 }", shown, StringComparison.Ordinal);
        Assert.Contains("type ifname : verdict elements = { \"br0\" : jump to-br0, \"br1\" : drop }", shown, StringComparison.Ordinal);
        Assert.Contains("type inet_service : ipv4_addr . inet_service elements = { 8080 : 172.30.0.5 . 80 }", shown, StringComparison.Ordinal);
        Assert.Contains("192.0.2.9 timeout 1h", shown, StringComparison.Ordinal);
        Assert.Contains("ip daddr @networks drop", shown, StringComparison.Ordinal);
        Assert.Contains("ip daddr . tcp dport @pairs accept", shown, StringComparison.Ordinal);
        Assert.Contains("ip daddr . tcp dport != @allowed drop", shown, StringComparison.Ordinal);
        Assert.Contains("oifname vmap @bridges", shown, StringComparison.Ordinal);
        Assert.Contains("dnat ip to tcp dport map @ports", shown, StringComparison.Ordinal);

        Assert.Equal("web", Assert.Single(nft.ListElements(pairs)).Comment);
        nft.Commit(batch => batch.DeleteElements(networks, SetElement.Of(IPNetwork.Parse("10.0.0.0/8"))));
        Assert.DoesNotContain("10.0.0.0/8", host.Run("nft", "list", "ruleset"), StringComparison.Ordinal);
        nft.Commit(batch => batch.FlushSet(networks));
        Assert.Empty(nft.ListElements(networks));
    }

    [Fact]
    public void SetsThatPacketsFill_AndLimitsOfEachAreReadAsTheyWereMeant()
    {
        using var host = TestNamespace.Create();
        using var nft = NftablesClient.Open(host.Namespace);
        var table = new Table(NftFamily.Inet, "t");
        var chain = new Chain(table, "c") { Hook = new Hook(HookPoint.Forward, 0) };
        var seen = new Set(table, "seen", DataType.Ip4, DataType.Port) { Dynamic = true, Timeouts = true, Timeout = TimeSpan.FromMinutes(2), Size = 100 };
        var counted = new Set(table, "counted", DataType.Ip4) { Dynamic = true, Counters = true, Size = 10 };
        var connections = new Set(table, "connections", DataType.Ip4) { Dynamic = true, Size = 1000 };
        nft.Commit(batch =>
        {
            batch.AddTable(table);
            batch.AddChain(chain);
            batch.AddQuota(table, "all", 1 << 20);
            foreach (var set in new[] { seen, counted, connections })
            {
                batch.AddSet(set);
            }

            batch.AddRule(chain, new Rule(Act.Remember(ElementOperation.Update, "seen", TimeSpan.FromSeconds(30), Field.Ip4Source, Field.TcpDestinationPort)));
            batch.AddRule(chain, new Rule(Act.RememberAndCount("counted", Field.Ip4Destination)));
            batch.AddRule(chain, new Rule(Match.State(ConnectionState.New), Match.ConnectionsOfEachOver(50, "connections", Field.Ip4Source), Act.Reject));
            batch.AddRule(chain, new Rule(Match.Quota("all"), Act.Drop));
        });

        var shown = host.Words("nft", "list", "ruleset");
        Assert.Contains("set seen { type ipv4_addr . inet_service size 100 flags dynamic,timeout timeout 2m }", shown, StringComparison.Ordinal);
        Assert.Contains("update @seen { ip saddr . tcp dport timeout 30s }", shown, StringComparison.Ordinal);
        Assert.Contains("update @counted { ip daddr", shown, StringComparison.Ordinal);
        Assert.Contains("add @connections { ip saddr ct count over 50 } reject", shown, StringComparison.Ordinal);
        Assert.Contains("quota all { over 1 mbytes }", shown, StringComparison.Ordinal);
        Assert.Contains("quota name \"all\" drop", shown, StringComparison.Ordinal);
        Assert.Equal(new QuotaInfo("all", 1 << 20, 0), Assert.Single(nft.ListQuotas(table)));
        Assert.Empty(nft.ListCounters(table));
    }

    [Fact]
    public void ManyElements_AreAddedAndListed()
    {
        using var host = TestNamespace.Create();
        using var nft = NftablesClient.Open(host.Namespace);
        var table = new Table(NftFamily.Inet, "t");
        var set = new Set(table, "s", DataType.Ip4);
        nft.Commit(batch =>
        {
            batch.AddTable(table);
            batch.AddSet(set);
            batch.AddElements(set, Enumerable.Range(0, 20_000).Select(static i => new SetElement(Value.Of(new IPAddress([10, 0, (byte)(i >> 8), (byte)i])))));
        });
        Assert.Equal(20_000, nft.ListElements(set).Count);
    }

    private static (NftFamily, HookPoint, ChainType, Statement[]) Filter(NftFamily family, params Statement[] statements) => (family, HookPoint.Forward, ChainType.Filter, statements);

    private static (Chain, Rule) Build(string expected)
    {
        var (family, point, type, statements) = All[expected];
        return (new Chain(new Table(family, "t"), "c") { Hook = new Hook(point, 0) { Type = type } }, new Rule(statements));
    }
}
