using System.Buffers.Binary;
using System.Net;
using Containers.Interop;
using Containers.Nftables;

namespace Containers.Egress;

/// <summary>The policy of one container while it has networks: its chains, its ports, what names added, and what was counted.</summary>
/// <param name="client">Whose socket owns the table.</param>
/// <param name="chains">The container's.</param>
internal sealed class EgressSession(NftablesClient client, EgressChains chains) : INameObserver
{
    /// <summary>An answer that holds for less would be over before a connection can be made.</summary>
    private static readonly TimeSpan ShortestLifetime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestLifetime = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly List<GuardedPort> _ports = [];
    private ulong _spoofedBefore;
    private EgressUsage? _last;

    public EgressChains Chains => chains;

    /// <summary>Adds the policy, before any port.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="subnets">Those of the engine's networks.</param>
    public void Add(NftBatch batch, IReadOnlyList<IPNetwork> subnets) => chains.Add(batch, subnets);

    /// <summary>Adds a port of the container, which is its own once <see cref="Keep"/> says so.</summary>
    public void AddPort(NftBatch batch, GuardedPort port) => port.Add(batch, chains.Guard, chains);

    /// <summary>The batch with these ports was committed.</summary>
    public void Keep(params ReadOnlySpan<GuardedPort> ports)
    {
        lock (_gate)
        {
            _ports.AddRange(ports);
        }
    }

    /// <summary>The container leaves a network; with its last one after <see cref="Finish"/>, all is taken away.</summary>
    public void RemovePort(GuardedPort port)
    {
        lock (_gate)
        {
            if (_last is null)
            {
                _spoofedBefore += Spoofed(port);
            }

            _ = _ports.Remove(port);
            GuardRemoval.Run(client, chains.Guard, (batch, isThere) =>
            {
                port.Remove(batch, chains.Guard, hasPolicy: true, isThere);
                if (_last is not null && _ports.Count == 0)
                {
                    chains.Remove(batch);
                }
            });
        }
    }

    /// <summary>Counts a last time: nothing of the container runs any more.</summary>
    public void Finish()
    {
        lock (_gate)
        {
            if (_last is not null)
            {
                return;
            }

            _last = Read();
            if (_ports.Count == 0)
            {
                client.Commit(chains.Remove);
            }
        }
    }

    /// <summary>What was counted until now, or until <see cref="Finish"/>.</summary>
    public EgressUsage Usage()
    {
        lock (_gate)
        {
            return _last ?? Read();
        }
    }

    public bool MayResolve(ReadOnlySpan<char> name)
    {
        var plain = Plain(name);
        foreach (var rule in chains.Policy.Rules)
        {
            if (rule is NameRule named && named.Matches(plain))
            {
                return true;
            }
        }

        return false;
    }

    public void Answered(ReadOnlySpan<char> name, IReadOnlyList<IPAddress> addresses, TimeSpan lifetime, bool isOwn)
    {
        var plain = Plain(name);
        var timeout = lifetime < ShortestLifetime ? ShortestLifetime : lifetime > LongestLifetime ? LongestLifetime : lifetime;
        var four = new List<SetElement>();
        var six = new List<SetElement>();
        foreach (var rule in chains.Policy.Rules)
        {
            if (rule is not NameRule named || !named.Matches(plain))
            {
                continue;
            }

            byte[] protocol = [rule.Protocol == PortProtocol.Tcp ? TransportProtocol.Tcp : TransportProtocol.Udp];
            foreach (var address in addresses)
            {
                var key = Value.Join(Value.Of(address), protocol, Value.Port(rule.FirstPort));
                (Match.IsFour(address) ? four : six).Add(new SetElement(key) { Timeout = timeout });
            }
        }

        if (four.Count + six.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            if (_last is not null)
            {
                return;
            }

            client.Commit(batch =>
            {
                Renew(batch, isOwn ? chains.Four.OwnNames : chains.Four.Names, four);
                Renew(batch, isOwn ? chains.Six.OwnNames : chains.Six.Names, six);
            });
        }
    }

    /// <summary>Adding what is there leaves it its old end; so it is added, to be sure that it is there, deleted, and added again, in one transaction.</summary>
    private static void Renew(NftBatch batch, Set set, List<SetElement> elements)
    {
        // Where two rules mean the same name, or an answer says an address twice, the second could not be deleted.
        var distinct = elements.DistinctBy(static element => Convert.ToHexString(element.Key)).ToList();
        if (distinct.Count > 0)
        {
            batch.AddElements(set, distinct);
            batch.DeleteElements(set, distinct.Select(static element => new SetElement(element.Key)));
            batch.AddElements(set, distinct);
        }
    }

    private static string Plain(ReadOnlySpan<char> name) => name.TrimEnd('.').ToString().ToLowerInvariant();

    private EgressUsage Read()
    {
        var table = chains.Guard.Table;
        var counters = client.ListCounters(table).ToDictionary(static counter => counter.Name, StringComparer.Ordinal);
        var (passed, refused, limited) = (counters[chains.PassedCounter], counters[chains.RefusedCounter], counters[chains.LimitedCounter]);
        var quota = chains.Policy.TotalBytes is null ? null : client.ListQuotas(table).Find(quota => quota.Name == chains.Quota);
        var spoofed = _spoofedBefore;
        foreach (var port in _ports)
        {
            spoofed += Spoofed(port);
        }

        return new EgressUsage
        {
            SentBytes = (long)passed.Bytes,
            SentPackets = (long)passed.Packets,
            RefusedBytes = (long)refused.Bytes,
            RefusedPackets = (long)refused.Packets,
            LimitedPackets = (long)limited.Packets,
            SpoofedPackets = (long)spoofed,
            RemainingBytes = quota is null ? null : new ByteSize((long)(quota.Bytes - Math.Min(quota.Bytes, quota.Consumed))),
            Refused = [.. Destinations(chains.Four).Concat(Destinations(chains.Six)).OrderByDescending(static destination => destination.Packets)],
        };
    }

    private ulong Spoofed(GuardedPort port)
    {
        try
        {
            return port.CountSpoofed(client, chains.Guard);
        }
        catch (NetworkException gone) when (gone.ErrorNumber == (int)Errno.ENOENT)
        {
            // Before Linux 6.16 a chain goes with its interface, and its counts too.
            return 0;
        }
    }

    private IEnumerable<RefusedDestination> Destinations(FamilySets sets)
    {
        var length = sets.Family == EtherType.Ip4 ? DataType.Ip4.Length : DataType.Ip6.Length;
        foreach (var element in client.ListElements(sets.Refused))
        {
            var port = BinaryPrimitives.ReadUInt16BigEndian(element.Key.AsSpan(length + RuleWriter.Padded(DataType.Protocol.Length)));
            yield return new RefusedDestination(new IPAddress(element.Key.AsSpan(0, length)), element.Key[length], port, (long)element.Counter.GetValueOrDefault().Packets);
        }
    }
}
