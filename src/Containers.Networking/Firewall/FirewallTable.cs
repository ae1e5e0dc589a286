using System.Net;
using Containers.Addresses;
using Containers.Egress;
using Containers.Interop;
using Containers.Nftables;

namespace Containers.Firewall;

/// <summary>
/// The one table of an engine. Its base chains are short and the same from beginning to end: what comes and goes are elements of sets by
/// bridge or address, so that a container's start changes no rule, and a thousand networks cost a packet what one does. That an interface is
/// one of the engine's bridges is told by its name, which costs less than to look it up, and holds from the moment that it is there: what is not
/// in the sets yet, or no longer, may do nothing.
/// <list type="bullet">
/// <item><see cref="Redirects"/>: bridge to verdict, for what comes from its containers before it is routed (type nat).</item>
/// <item><see cref="Limits"/>: bridge to verdict, for the first packet of each connection of its containers beyond it.</item>
/// <item><see cref="Published"/>: a chain of nat for packets to the host's own addresses, from others and from the host itself.</item>
/// <item><see cref="Services"/>: bridge, protocol and port of the host that its containers may reach (after redirection).</item>
/// <item><see cref="Allowed4"/>, <see cref="Allowed6"/>: a container's address to verdict, for what it sends to the host. A chain there accepts
/// what its policy allows there.</item>
/// </list>
/// What leads into a container beyond its bridge must have been sent there by a destination translation, such as of <see cref="Published"/>.
/// </summary>
internal sealed class FirewallTable : IDisposable
{
    private const string Loopback = "lo";

    /// <summary>Where clouds answer with what a machine is and may do (169.254.169.254, fd00:ec2::254), and others with what is on the host's own link.</summary>
    private static readonly IPNetwork LinkLocal4 = IPNetwork.Parse("169.254.0.0/16");
    private static readonly IPNetwork CloudServices6 = IPNetwork.Parse("fd00:ec2::/32");

    private const byte EchoRequest4 = 8;
    private const byte EchoRequest6 = 128;
    private const byte NeighbourSolicitation = 135;
    private const byte NeighbourAdvertisement = 136;

    private readonly string _bridges;
    private readonly LoopbackGuard _loopback;
    private readonly Chain _raw;
    private readonly Chain _rawFromContainers;
    private readonly Chain _destinationNat;
    private readonly Chain _outputNat;
    private readonly Chain _forward;
    private readonly Chain _input;
    private readonly Chain _fromContainers;
    private readonly Chain _sourceNat;
    private readonly Set _same;
    private readonly Set _open;
    private readonly Set _hosted;
    private readonly Set _inside4;
    private readonly Set _inside6;
    private readonly Set _subnets4;
    private readonly Set _subnets6;
    private readonly Set _uplinks4;
    private readonly Set _uplinks6;

    private FirewallTable(NftablesClient client, Table table, string bridges)
    {
        Client = client;
        Table = table;
        Guard = new GuardTable(table.Name, table.Owned);
        _bridges = bridges;
        _loopback = new LoopbackGuard(table.Name, bridges);
        _raw = Base("raw-prerouting", HookPoint.Prerouting, ChainPriority.Raw);
        _destinationNat = Base("nat-prerouting", HookPoint.Prerouting, ChainPriority.DestinationNat, ChainType.Nat);
        _outputNat = Base("nat-output", HookPoint.Output, ChainPriority.DestinationNat, ChainType.Nat);
        _forward = Base("forward", HookPoint.Forward, ChainPriority.Filter);
        _input = Base("input", HookPoint.Input, ChainPriority.Filter);
        _sourceNat = Base("nat-postrouting", HookPoint.Postrouting, ChainPriority.SourceNat, ChainType.Nat);
        _rawFromContainers = new Chain(table, "raw-from-containers");
        _fromContainers = new Chain(table, "from-containers");
        Published = new Chain(table, "published");
        Overlays = new Chain(table, "overlays");
        Refused = new Chain(table, "refused");
        _same = new Set(table, "same", DataType.InterfaceName, DataType.InterfaceName);
        _open = new Set(table, "open", DataType.InterfaceName);
        _hosted = new Set(table, "hosted", DataType.InterfaceName);
        _inside4 = new Set(table, "inside4", DataType.Ip4, DataType.InterfaceName) { Intervals = true };
        _inside6 = new Set(table, "inside6", DataType.Ip6, DataType.InterfaceName) { Intervals = true };
        _subnets4 = new Set(table, "subnets4", DataType.Ip4) { Intervals = true };
        _subnets6 = new Set(table, "subnets6", DataType.Ip6) { Intervals = true };
        _uplinks4 = new Set(table, "uplinks4", DataType.InterfaceName);
        _uplinks6 = new Set(table, "uplinks6", DataType.InterfaceName);
        Services = new Set(table, "services", DataType.InterfaceName, DataType.Protocol, DataType.Port);
        Redirects = new Set(table, "redirects", DataType.InterfaceName) { Verdicts = true };
        Limits = new Set(table, "limits", DataType.InterfaceName) { Verdicts = true };
        Allowed4 = new Set(table, "allowed4", DataType.Ip4) { Verdicts = true };
        Allowed6 = new Set(table, "allowed6", DataType.Ip6) { Verdicts = true };
    }

    /// <summary>Whose socket owns the table; all changes of it go by this.</summary>
    public NftablesClient Client { get; }

    public Table Table { get; }

    /// <summary>What every port of a bridge has before all this.</summary>
    public GuardTable Guard { get; }

    public Set Redirects { get; }

    public Chain Published { get; }

    public Set Limits { get; }

    /// <summary>Of the UDP packets to the host, and from containers to anywhere, those that are for overlay networks from strangers end here.</summary>
    public Chain Overlays { get; }

    /// <summary>
    /// Turns away, with an answer. Of a TCP connection it is a reset: whoever begins one hears of an ICMP message only with the next segment, a second
    /// later, where the first is answered before the call that sent it is done, as on one host it is.
    /// </summary>
    public Chain Refused { get; }

    public Set Services { get; }

    public Set Allowed4 { get; }

    public Set Allowed6 { get; }

    /// <summary>Makes the table, in the network namespace of the calling thread.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bridges">What the names of the engine's bridges begin with.</param>
    /// <param name="parts">What others have in it.</param>
    /// <param name="owned">It belongs to this process; false: as where the kernel does not know that (before Linux 5.12).</param>
    /// <exception cref="NetworkException">The kernel refuses, or lacks something of it.</exception>
    public static FirewallTable Create(string name, string bridges, IReadOnlyList<IFirewallPart> parts, bool owned = true)
    {
        var client = NftablesClient.Open();
        try
        {
            return Create(client, new Table(NftFamily.Inet, name) { Owned = owned }, bridges, parts);
        }
        catch (NetworkException unknown) when (owned && unknown.ErrorNumber == (int)Errno.EOPNOTSUPP)
        {
            client.Dispose();
            return Create(name, bridges, parts, owned: false);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>A bridge and its subnets become part of it. What of it must be made at the same moment is added to the batch.</summary>
    public void Add(string bridge, IReadOnlyList<IPNetwork> subnets, bool isInternal, bool reachesHost, Action<NftBatch>? more = null) => Client.Commit(batch =>
    {
        Change(batch, adding: true, bridge, subnets, isInternal, reachesHost);
        more?.Invoke(batch);
    });

    /// <summary>The reverse of <see cref="Add"/>.</summary>
    public void Remove(string bridge, IReadOnlyList<IPNetwork> subnets, bool isInternal, bool reachesHost, Action<NftBatch>? more = null) => Client.Commit(batch =>
    {
        more?.Invoke(batch);
        Change(batch, adding: false, bridge, subnets, isInternal, reachesHost);
    });

    /// <summary>Nothing of IPv4, or of IPv6, is forwarded from one of these interfaces to another: the host did not do so before this engine needed it.</summary>
    public void GuardUplinks(bool six, IEnumerable<string> interfaces) =>
        Client.Commit(batch => batch.AddElements(six ? _uplinks6 : _uplinks4, interfaces.Select(static name => new SetElement(Value.Interface(name)))));

    /// <summary>Takes the table away.</summary>
    public void Dispose()
    {
        try
        {
            Client.Commit(batch =>
            {
                batch.DeleteTable(Guard.Table);
                batch.DeleteTable(Table);
                _loopback.Delete(batch);
            });
        }
        finally
        {
            Client.Dispose();
        }
    }

    private static FirewallTable Create(NftablesClient client, Table table, string bridges, IReadOnlyList<IFirewallPart> parts)
    {
        var made = new FirewallTable(client, table, bridges);
        client.Commit(batch =>
        {
            made.Declare(batch);
            foreach (var part in parts)
            {
                part.Declare(batch, made);
            }
        });
        return made;
    }

    private void Declare(NftBatch batch)
    {
        batch.AddTable(Table);
        foreach (var set in (ReadOnlySpan<Set>)[_same, _inside4, _inside6, _open, _hosted, _subnets4, _subnets6, _uplinks4, _uplinks6, Services])
        {
            batch.AddSet(set);
        }

        foreach (var chain in (ReadOnlySpan<Chain>)[_rawFromContainers, _fromContainers, Published, Overlays, Refused])
        {
            batch.AddChain(chain);
        }

        foreach (var map in (ReadOnlySpan<Set>)[Redirects, Limits, Allowed4, Allowed6])
        {
            batch.AddSet(map);
        }

        foreach (var chain in (ReadOnlySpan<Chain>)[_raw, _destinationNat, _outputNat, _forward, _input, _sourceNat])
        {
            batch.AddChain(chain);
        }

        Guard.Declare(batch);
        _loopback.Declare(batch);
        batch.AddRule(Refused, new Rule(Act.ResetTcp));
        batch.AddRule(Refused, new Rule(Act.Prohibit));
        DeclareTranslation(batch);
        DeclareForwarding(batch);
        DeclareInput(batch);
    }

    private void DeclareTranslation(NftBatch batch)
    {
        batch.AddRule(_raw, new Rule(FromContainers, Act.Goto(_rawFromContainers.Name)));
        _loopback.Declare(batch, _rawFromContainers);

        // From beyond, a container's own address is reachable for nobody: whoever routes to it by the host (CVE-2025-54410) ends here.
        batch.AddRule(_raw, new Rule(Match.InputInterface(Loopback), Act.Return));
        batch.AddRule(_raw, new Rule(Match.In(_subnets4.Name, Field.Ip4Destination), Act.Counter, Act.Drop));
        batch.AddRule(_raw, new Rule(Match.In(_subnets6.Name, Field.Ip6Destination), Act.Counter, Act.Drop));

        // What passes through to somebody else is not ours to redirect (CVE-2025-67499), and what comes from elsewhere to loopback nobody's (CVE-2025-54388).
        batch.AddRule(_destinationNat, new Rule(Act.VerdictOf(Redirects.Name, Field.InputInterface)));
        batch.AddRule(_destinationNat, new Rule(Match.Destination(LoopbackGuard.Network), Act.Return));
        batch.AddRule(_destinationNat, new Rule(Match.DestinationIsLocal, Act.Jump(Published.Name)));
        batch.AddRule(_outputNat, new Rule(Match.DestinationIsLocal, Act.Jump(Published.Name)));

        batch.AddRule(_sourceNat, new Rule(Match.OutputInterface(Loopback), Act.Return));

        // A container that reaches its own bridge by a published port would be answered past the host, by an address it did not ask. By the
        // source's address, as where the bridge itself calls these chains (bridge-nf-call-iptables) no interface is known that it came in by.
        batch.AddRule(_sourceNat, new Rule(Match.Status(ConnectionStatus.DestinationNat), Match.In(_inside4.Name, Field.Ip4Source, Field.OutputInterface), Act.Masquerade()));
        batch.AddRule(_sourceNat, new Rule(Match.Status(ConnectionStatus.DestinationNat), Match.In(_inside6.Name, Field.Ip6Source, Field.OutputInterface), Act.Masquerade()));

        // What this host sends to a port at 127.0.0.1 could not be answered there.
        batch.AddRule(_sourceNat, new Rule(ToContainers, Match.Source(LoopbackGuard.Network), Act.Masquerade()));
        batch.AddRule(_sourceNat, new Rule(ToContainers, Act.Return));
        batch.AddRule(_sourceNat, new Rule(Match.In(_subnets4.Name, Field.Ip4Source), Act.Masquerade(random: true)));
        batch.AddRule(_sourceNat, new Rule(Match.In(_subnets6.Name, Field.Ip6Source), Act.Masquerade(random: true)));
    }

    private void DeclareForwarding(NftBatch batch)
    {
        // What a container sends to a peer would come there with the host's address, and be believed.
        batch.AddRule(_forward, new Rule(Match.TransportProtocol(TransportProtocol.Udp), FromContainers, Act.Jump(Overlays.Name)));

        // Nearly all packets go by these two.
        batch.AddRule(_forward, new Rule(Match.NotBegins(Field.OutputInterface, _bridges), Known, From(_open), Act.Accept));
        batch.AddRule(_forward, new Rule(Match.NotBegins(Field.InputInterface, _bridges), Known, To(_open), Act.Accept));

        batch.AddRule(_forward, new Rule(Match.State(ConnectionState.New), Act.VerdictOf(Limits.Name, Field.InputInterface)));
        batch.AddRule(_forward, new Rule(Match.In(_same.Name, Field.InputInterface, Field.OutputInterface), Act.Accept));
        batch.AddRule(_forward, new Rule(FromContainers, Match.NotIn(_open.Name, Field.InputInterface), Act.Counter, Act.Goto(Refused.Name)));
        batch.AddRule(_forward, new Rule(ToContainers, Match.NotIn(_open.Name, Field.OutputInterface), Act.Counter, Act.Drop));

        // From one open network of the engine to another, by a published port.
        batch.AddRule(_forward, new Rule(FromContainers, Known, Act.Accept));
        batch.AddRule(_forward, new Rule(FromContainers, Match.NotIn(_hosted.Name, Field.InputInterface), Match.Destination(LinkLocal4), Act.Counter, Act.Goto(Refused.Name)));
        batch.AddRule(_forward, new Rule(FromContainers, Match.NotIn(_hosted.Name, Field.InputInterface), Match.Destination(CloudServices6), Act.Counter, Act.Goto(Refused.Name)));
        batch.AddRule(_forward, new Rule(ToContainers, Match.Status(ConnectionStatus.DestinationNat), Act.Accept));
        batch.AddRule(_forward, new Rule(FromContainers, ToContainers, Act.Counter, Act.Goto(Refused.Name)));
        batch.AddRule(_forward, new Rule(ToContainers, Act.Counter, Act.Drop));
        batch.AddRule(_forward, new Rule(Match.NetworkProtocol(EtherType.Ip4), From(_uplinks4), To(_uplinks4), Act.Counter, Act.Drop));
        batch.AddRule(_forward, new Rule(Match.NetworkProtocol(EtherType.Ip6), From(_uplinks6), To(_uplinks6), Act.Counter, Act.Drop));
    }

    private void DeclareInput(NftBatch batch)
    {
        batch.AddRule(_input, new Rule(Match.TransportProtocol(TransportProtocol.Udp), Act.Jump(Overlays.Name)));
        batch.AddRule(_input, new Rule(Known, Act.Accept));
        batch.AddRule(_input, new Rule(FromContainers, Act.Jump(_fromContainers.Name)));
        batch.AddRule(_fromContainers, new Rule(Match.State(ConnectionState.New), Act.VerdictOf(Limits.Name, Field.InputInterface)));
        batch.AddRule(_fromContainers, new Rule(Match.In(Services.Name, Field.InputInterface, Field.TransportProtocol, Field.DestinationPort), Act.Accept));
        batch.AddRule(_fromContainers, new Rule(Act.VerdictOf(Allowed4.Name, Field.Ip4Source)));
        batch.AddRule(_fromContainers, new Rule(Act.VerdictOf(Allowed6.Name, Field.Ip6Source)));
        batch.AddRule(_fromContainers, new Rule(From(_hosted), Act.Accept));
        batch.AddRule(_fromContainers, new Rule(Match.Is(Field.Icmp6Type, Value.Byte(NeighbourSolicitation)), Act.Accept));
        batch.AddRule(_fromContainers, new Rule(Match.Is(Field.Icmp6Type, Value.Byte(NeighbourAdvertisement)), Act.Accept));
        batch.AddRule(_fromContainers, new Rule(Match.NotIn(_open.Name, Field.InputInterface), Act.Counter, Act.Drop));
        batch.AddRule(_fromContainers, new Rule(Match.Is(Field.IcmpType, Value.Byte(EchoRequest4)), Act.Accept));
        batch.AddRule(_fromContainers, new Rule(Match.Is(Field.Icmp6Type, Value.Byte(EchoRequest6)), Act.Accept));
        batch.AddRule(_fromContainers, new Rule(Act.Counter, Act.Goto(Refused.Name)));
    }

    private void Change(NftBatch batch, bool adding, string bridge, IReadOnlyList<IPNetwork> subnets, bool isInternal, bool reachesHost)
    {
        var name = Value.Interface(bridge);
        Change(batch, adding, _same, new SetElement(Value.Join(name, name)));
        foreach (var subnet in subnets)
        {
            var isFour = Subnets.IsFour(subnet);
            var (first, last) = (Value.Of(subnet.BaseAddress), Value.Of(Subnets.Last(subnet)));
            Change(batch, adding, isFour ? _subnets4 : _subnets6, SetElement.Of(subnet));
            Change(batch, adding, isFour ? _inside4 : _inside6, new SetElement(Value.Join(first, name)) { LastKey = Value.Join(last, name) });
        }

        Guard.ChangeSubnets(batch, adding, subnets);
        if (!isInternal)
        {
            Change(batch, adding, _open, new SetElement(name));
        }

        if (reachesHost)
        {
            Change(batch, adding, _hosted, new SetElement(name));
        }
    }

    private static void Change(NftBatch batch, bool adding, Set set, SetElement element)
    {
        if (adding)
        {
            batch.AddElements(set, element);
        }
        else
        {
            batch.DeleteElements(set, element);
        }
    }

    private Chain Base(string name, HookPoint point, int priority, ChainType type = ChainType.Filter) =>
        new(Table, name) { Hook = new Hook(point, priority) { Type = type } };

    private Statement FromContainers => Match.Begins(Field.InputInterface, _bridges);

    private Statement ToContainers => Match.Begins(Field.OutputInterface, _bridges);

    /// <summary>Of a connection whose first packet the rules have let through, or about one.</summary>
    private static Statement Known { get; } = Match.State(ConnectionState.Established | ConnectionState.Related);

    private static Statement From(Set bridges) => Match.In(bridges.Name, Field.InputInterface);

    private static Statement To(Set bridges) => Match.In(bridges.Name, Field.OutputInterface);
}
