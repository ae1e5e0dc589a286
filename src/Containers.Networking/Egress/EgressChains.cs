using System.Net;
using Containers.Nftables;

namespace Containers.Egress;

/// <summary>
/// An <see cref="EgressPolicy"/> as chains of a <see cref="GuardTable"/>, for one container. At the cable no connection is tracked by the
/// kernel yet, so connections are kept in sets: what came from elsewhere may be answered, and what was allowed by a name stays when the
/// name's answer is old. All else is decided for each packet alone.
/// </summary>
/// <param name="Guard">The table.</param>
/// <param name="Id">What names of this container's chains and sets end with.</param>
/// <param name="Policy">The policy.</param>
/// <param name="Answers">What is refused is told so (<see cref="GuardTable.CanReject"/>), and not only dropped.</param>
internal sealed record EgressChains(GuardTable Guard, string Id, EgressPolicy Policy, bool Answers)
{
    private const uint MostFlows = 16384;
    private const uint MostRefused = 256;
    private const byte Unreachable4 = 3;
    private const byte Unreachable6 = 1;

    private static readonly TimeSpan FirstPacket = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Datagrams = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Segments = TimeSpan.FromHours(2);
    private static readonly TimeSpan Closing = TimeSpan.FromSeconds(30);

    private static readonly TcpFlags AllFlags = TcpFlags.Synchronize | TcpFlags.Acknowledge | TcpFlags.Reset | TcpFlags.Finish;

    /// <summary>What honest frames go to.</summary>
    public Chain Out => new(Guard.Table, "out-" + Id);

    /// <summary>What is allowed goes to it, and is counted and limited there.</summary>
    public Chain Pass => new(Guard.Table, "pass-" + Id);

    private Chain Refuse => new(Guard.Table, "refuse-" + Id);

    /// <summary>Turns away, and counts nothing.</summary>
    private Chain Reject => new(Guard.Table, "reject-" + Id);

    public string PassedCounter => "passed-" + Id;

    public string RefusedCounter => "refused-" + Id;

    public string LimitedCounter => "limited-" + Id;

    public string Quota => "quota-" + Id;

    public FamilySets Four => new(Guard.Table, Id, EtherType.Ip4, MostFlows, MostRefused);

    public FamilySets Six => new(Guard.Table, Id, EtherType.Ip6, MostFlows, MostRefused);

    private bool HasNames => Policy.Rules.Any(static rule => rule is NameRule);

    /// <summary>Adds all of it.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="subnets">Those of the engine's networks.</param>
    public void Add(NftBatch batch, IReadOnlyList<IPNetwork> subnets)
    {
        foreach (var counter in (ReadOnlySpan<string>)[PassedCounter, RefusedCounter, LimitedCounter])
        {
            batch.AddCounter(Guard.Table, counter);
        }

        if (Policy.TotalBytes is { } total)
        {
            batch.AddQuota(Guard.Table, Quota, (ulong)total.Bytes);
        }

        foreach (var set in Four.Of(HasNames).Concat(Six.Of(HasNames)))
        {
            batch.AddSet(set);
        }

        foreach (var chain in (ReadOnlySpan<Chain>)[Reject, Refuse, Pass, Out])
        {
            batch.AddChain(chain);
        }

        AddPass(batch);
        AddRefuse(batch);
        AddDecision(batch, subnets);
    }

    /// <summary>Takes all of it away; ports that go to it must be gone.</summary>
    public void Remove(NftBatch batch)
    {
        foreach (var chain in (ReadOnlySpan<Chain>)[Out, Pass, Refuse, Reject])
        {
            batch.DeleteChain(chain);
        }

        foreach (var set in Four.Of(HasNames).Concat(Six.Of(HasNames)))
        {
            batch.DeleteSet(set);
        }

        if (Policy.TotalBytes is not null)
        {
            batch.DeleteQuota(Guard.Table, Quota);
        }

        foreach (var counter in (ReadOnlySpan<string>)[PassedCounter, RefusedCounter, LimitedCounter])
        {
            batch.DeleteCounter(Guard.Table, counter);
        }
    }

    /// <summary>What goes to the container: who began is answered, and the bytes are its too.</summary>
    public void AddArrivals(NftBatch batch, Chain chain)
    {
        foreach (var sets in (ReadOnlySpan<FamilySets>)[Four, Six])
        {
            Statement begin = Act.Remember(ElementOperation.Update, sets.Flows.Name, FirstPacket, sets.ArrivingFlow);
            batch.AddRule(chain, new Rule(Match.NetworkProtocol(sets.Family), Match.TcpFlags(AllFlags, TcpFlags.Synchronize), begin));
            batch.AddRule(chain, new Rule(
                Match.NetworkProtocol(sets.Family),
                Match.TransportProtocol(TransportProtocol.Udp),
                Act.Remember(ElementOperation.Update, sets.Flows.Name, Datagrams, sets.ArrivingFlow)));
        }

        if (Policy.TotalBytes is not null)
        {
            // Our own refusals come by here too, and have to arrive.
            batch.AddRule(chain, new Rule(Match.TcpFlags(TcpFlags.Reset, TcpFlags.Reset), Act.Accept));
            batch.AddRule(chain, new Rule(Match.Is(Field.IcmpType, Value.Byte(Unreachable4)), Act.Accept));
            batch.AddRule(chain, new Rule(Match.Is(Field.Icmp6Type, Value.Byte(Unreachable6)), Act.Accept));
            batch.AddRule(chain, new Rule(Match.Quota(Quota), Act.CountBy(LimitedCounter), Act.Drop));
        }
    }

    private void AddPass(NftBatch batch)
    {
        if (Policy.TotalBytes is not null)
        {
            batch.AddRule(Pass, new Rule(Match.Quota(Quota), Act.CountBy(LimitedCounter), Act.Goto(Reject.Name)));
        }

        if (Policy.BytesPerSecond is { } rate)
        {
            // The queue inside the container keeps the rate smoothly; where a container with CAP_NET_ADMIN takes it away, this holds.
            batch.AddRule(Pass, new Rule(Match.BytesASecondOver((ulong)rate.Bytes, NetworkRate.BurstOf((ulong)rate.Bytes)), Act.CountBy(LimitedCounter), Act.Drop));
        }

        batch.AddRule(Pass, new Rule(Act.CountBy(PassedCounter), Act.Accept));
    }

    private void AddRefuse(NftBatch batch)
    {
        foreach (var sets in (ReadOnlySpan<FamilySets>)[Four, Six])
        {
            foreach (var protocol in (ReadOnlySpan<byte>)[TransportProtocol.Tcp, TransportProtocol.Udp])
            {
                batch.AddRule(Refuse, new Rule(
                    Match.NetworkProtocol(sets.Family),
                    Match.TransportProtocol(protocol),
                    Act.RememberAndCount(sets.Refused.Name, sets.Destination, Field.TransportProtocol, Field.DestinationPort),
                    Act.CountBy(RefusedCounter),
                    Act.Goto(Reject.Name)));
            }

            batch.AddRule(Refuse, new Rule(
                Match.NetworkProtocol(sets.Family),
                Act.RememberAndCount(sets.Refused.Name, sets.Destination, Field.TransportProtocol, Field.Constant(DataType.Port, Value.Port(0)))));
        }

        batch.AddRule(Refuse, new Rule(Act.CountBy(RefusedCounter), Act.Goto(Reject.Name)));
        if (Answers)
        {
            batch.AddRule(Reject, new Rule(Act.ResetTcp));
            batch.AddRule(Reject, new Rule(Act.Prohibit));
        }

        batch.AddRule(Reject, new Rule(Act.Drop));
    }

    private void AddDecision(NftBatch batch, IReadOnlyList<IPNetwork> subnets)
    {
        batch.AddRule(Out, new Rule(Match.NetworkProtocol(EtherType.Arp), Act.Accept));
        batch.AddRule(Out, new Rule(Match.NetworkProtocol(EtherType.Ip6), Match.TransportProtocol(TransportProtocol.Icmp6), Match.In(Guard.Sets.Discovery.Name, Field.Icmp6Type), Act.Accept));
        foreach (var sets in (ReadOnlySpan<FamilySets>)[Four, Six])
        {
            AddKnownFlows(batch, sets);
        }

        foreach (var rule in Policy.Rules)
        {
            if (rule is HostRule)
            {
                Allow(batch, rule, Match.DestinationIsLocal);
            }
            else if (rule is DestinationRule { Network: var network } && SpecialNetworks.IsOnPurpose(network, subnets))
            {
                Allow(batch, rule, Match.Destination(network));
            }
        }

        if (HasNames)
        {
            AddNames(batch, static sets => sets.OwnNames);
        }

        // Whatever is allowed below, or said by a DNS server that somebody else keeps, does not mean these.
        batch.AddRule(Out, new Rule(Match.DestinationIsLocal, Act.Goto(Refuse.Name)));
        batch.AddRule(Out, new Rule(Match.In(Guard.Sets.Special4.Name, Field.Ip4Destination), Act.Goto(Refuse.Name)));
        batch.AddRule(Out, new Rule(Match.In(Guard.Sets.Special6.Name, Field.Ip6Destination), Act.Goto(Refuse.Name)));
        if (HasNames)
        {
            AddNames(batch, static sets => sets.Names);
        }

        foreach (var rule in Policy.Rules)
        {
            if (rule is DestinationRule { Network: var network } && !SpecialNetworks.IsOnPurpose(network, subnets))
            {
                Allow(batch, rule, Match.Destination(network));
            }
        }

        batch.AddRule(Out, new Rule(Act.Goto(Refuse.Name)));
    }

    private void AddKnownFlows(NftBatch batch, FamilySets sets)
    {
        void Keep(TimeSpan time, params Statement[] packet) => batch.AddRule(Out, new Rule(
            [Match.NetworkProtocol(sets.Family), .. packet, Match.In(sets.Flows.Name, sets.LeavingFlow), Act.Remember(ElementOperation.Update, sets.Flows.Name, time, sets.LeavingFlow), Act.Goto(Pass.Name)]));

        // A connection that is at its end makes room for others soon.
        Keep(Closing, Match.TcpFlags(TcpFlags.Finish, TcpFlags.Finish));
        Keep(Closing, Match.TcpFlags(TcpFlags.Reset, TcpFlags.Reset));

        // Who came is answered, and not called back: a first segment is always another connection's.
        Keep(Segments, Match.OtherTcpFlags(TcpFlags.Synchronize | TcpFlags.Acknowledge, TcpFlags.Synchronize));
        Keep(Datagrams, Match.TransportProtocol(TransportProtocol.Udp));
    }

    private void AddNames(NftBatch batch, Func<FamilySets, Set> names)
    {
        foreach (var sets in (ReadOnlySpan<FamilySets>)[Four, Six])
        {
            var named = Match.In(names(sets).Name, sets.Destination, Field.TransportProtocol, Field.DestinationPort);

            // Where there is no room for another connection it passes all the same, as long as the name's answer holds.
            batch.AddRule(Out, new Rule(Match.NetworkProtocol(sets.Family), named, Act.Remember(ElementOperation.Update, sets.Flows.Name, FirstPacket, sets.LeavingFlow)));
            batch.AddRule(Out, new Rule(Match.NetworkProtocol(sets.Family), named, Act.Goto(Pass.Name)));
        }
    }

    /// <summary>The protocol and ports of a rule; nothing where it means all.</summary>
    public static Statement[] PortsOf(EgressRule rule)
    {
        if (rule.Protocol is not { } protocol)
        {
            return [];
        }

        var field = protocol == PortProtocol.Tcp ? Field.TcpDestinationPort : Field.UdpDestinationPort;
        return [rule.FirstPort == rule.LastPort ? Match.Is(field, Value.Port(rule.FirstPort)) : Match.Between(field, Value.Port(rule.FirstPort), Value.Port(rule.LastPort))];
    }

    private void Allow(NftBatch batch, EgressRule rule, Statement destination) => batch.AddRule(Out, new Rule([destination, .. PortsOf(rule), Act.Goto(Pass.Name)]));
}
