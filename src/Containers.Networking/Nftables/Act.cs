using System.Net;

namespace Containers.Nftables;

/// <summary>What a rule does with a packet.</summary>
internal static class Act
{
    private const byte PortUnreachable = 1; // NFT_REJECT_ICMPX_PORT_UNREACH
    private const byte AdministrativelyProhibited = 3; // NFT_REJECT_ICMPX_ADMIN_PROHIBITED

    public static Statement Accept { get; } = Give(Verdict.Accept);

    public static Statement Drop { get; } = Give(Verdict.Drop);

    public static Statement Return { get; } = Give(Verdict.Return);

    public static Statement Counter { get; } = new(static rule => rule.Counter());

    /// <summary>Connections of the packet are not tracked.</summary>
    public static Statement NoTrack { get; } = new(static rule => rule.NoTrack());

    /// <summary>Refuses with ICMP of the packet's family.</summary>
    public static Statement Reject { get; } = new(static rule => rule.Reject(RejectKind.IcmpEither, PortUnreachable));

    public static Statement Prohibit { get; } = new(static rule => rule.Reject(RejectKind.IcmpEither, AdministrativelyProhibited));

    public static Statement ResetTcp { get; } = new(static rule =>
    {
        rule.RequireTransport(TransportProtocol.Tcp);
        rule.Reject(RejectKind.TcpReset, 0);
    });

    public static Statement Jump(string chain) => Give(Verdict.Jump(chain));

    public static Statement Goto(string chain) => Give(Verdict.Goto(chain));

    public static Statement Give(Verdict verdict) => new(rule => rule.Give(verdict));

    /// <summary>The verdict that a map has for the fields.</summary>
    public static Statement VerdictOf(string map, params Field[] fields) => new(rule =>
    {
        Match.Load(rule, fields);
        rule.LookupVerdict(map);
    });

    public static Statement CountBy(string counter) => new(rule => rule.Object(ObjectType.Counter, counter));

    /// <summary>Makes the fields, as one key, an element of a set; see <see cref="RuleWriter.Remember"/>.</summary>
    public static Statement Remember(ElementOperation operation, string set, TimeSpan? timeout, params Field[] fields) => new(rule =>
    {
        Match.Load(rule, fields);
        rule.Remember(operation, set, timeout, each: null);
    });

    /// <summary>The same, and the element counts its packets.</summary>
    public static Statement RememberAndCount(string set, params Field[] fields) => new(rule =>
    {
        Match.Load(rule, fields);
        rule.Remember(ElementOperation.Update, set, timeout: null, Set.WriteCounter);
    });

    public static Statement Log(string prefix, uint? level = null) => new(rule => rule.Log(prefix, level));

    public static Statement SetMark(uint mark) => new(rule =>
    {
        rule.Immediate(RuleWriter.Register1, Value.Host(mark));
        rule.SetMeta(MetaKey.Mark, RuleWriter.Register1);
    });

    public static Statement SetConnectionMark(uint mark) => new(rule =>
    {
        rule.Immediate(RuleWriter.Register1, Value.Host(mark));
        rule.SetConnection(ConnectionKey.Mark, RuleWriter.Register1);
    });

    /// <summary>Sends the connection elsewhere. Beside it belongs a match for the host's own addresses, or traffic on its way through is taken.</summary>
    public static Statement DestinationNat(IPAddress address, ushort? port = null) => Nat(destination: true, address, port);

    public static Statement SourceNat(IPAddress address) => Nat(destination: false, address, port: null);

    /// <summary>Sends the connection to the address, and port where the map has them, that a map has for the fields.</summary>
    public static Statement DestinationNatOf(string map, ushort etherType, bool withPort, params Field[] fields) => new(rule =>
    {
        rule.RequireNetwork(etherType);
        Match.Load(rule, fields);
        rule.Lookup(map, RuleWriter.Register1);
        var length = etherType == EtherType.Ip4 ? DataType.Ip4.Length : DataType.Ip6.Length;
        rule.Nat(destination: true, etherType, RuleWriter.Register1, withPort ? RuleWriter.RegisterAt(length) : null);
    });

    /// <summary>Source address of the interface it leaves by.</summary>
    /// <param name="random">Ports that nobody can guess from others.</param>
    public static Statement Masquerade(bool random = false) => new(rule => rule.Masquerade(null, null, random));

    /// <summary>To this host itself, on another port.</summary>
    public static Statement Redirect(ushort port) => new(rule =>
    {
        rule.Immediate(RuleWriter.Register1, Value.Port(port));
        rule.Redirect(RuleWriter.Register1);
    });

    private static Statement Nat(bool destination, IPAddress address, ushort? port) => new(rule =>
    {
        var etherType = Match.IsFour(address) ? EtherType.Ip4 : EtherType.Ip6;
        rule.RequireNetwork(etherType);
        var bytes = address.GetAddressBytes();
        rule.Immediate(RuleWriter.Register1, bytes);
        uint? portRegister = null;
        if (port is { } number)
        {
            portRegister = RuleWriter.RegisterAt(bytes.Length);
            rule.Immediate(portRegister.Value, Value.Port(number));
        }

        rule.Nat(destination, etherType, RuleWriter.Register1, portRegister);
    });
}
