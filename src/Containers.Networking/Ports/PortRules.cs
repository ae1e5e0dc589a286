using System.Net;
using System.Net.Sockets;
using Containers.Nftables;

namespace Containers.Ports;

/// <summary>
/// The part of the engine's table that sends connections from ports of this host to containers. The rules are the same however many
/// ports there are: what is published are elements of maps, one a port, which a packet looks up once.
/// <para>
/// Packets come here by a rule that lets through only those to an address of this host itself (CVE-2025-67499: what is on its way to
/// another machine's port is not ours). Those to loopback turn back: to translate them would need <c>route_localnet</c>, with which
/// other machines reach what listens on 127.0.0.1.
/// </para>
/// </summary>
internal sealed class PortRules
{
    private static readonly IPNetwork Loopback4 = new(new IPAddress([127, 0, 0, 0]), 8);

    private readonly Set _anywhere4;
    private readonly Set _anywhere6;
    private readonly Set _at4;
    private readonly Set _at6;

    /// <param name="table">The engine's table.</param>
    public PortRules(Table table)
    {
        _anywhere4 = new(table, "ports4", DataType.Protocol, DataType.Port) { Data = [DataType.Ip4, DataType.Port] };
        _anywhere6 = new(table, "ports6", DataType.Protocol, DataType.Port) { Data = [DataType.Ip6, DataType.Port] };
        _at4 = new(table, "ports4-at", DataType.Ip4, DataType.Protocol, DataType.Port) { Data = [DataType.Ip4, DataType.Port] };
        _at6 = new(table, "ports6-at", DataType.Ip6, DataType.Protocol, DataType.Port) { Data = [DataType.Ip6, DataType.Port] };
    }

    /// <summary>Adds the rules to a chain that sees packets to this host's own addresses where destinations are translated.</summary>
    public void Declare(NftBatch batch, Chain published)
    {
        foreach (var set in (ReadOnlySpan<Set>)[_anywhere4, _anywhere6, _at4, _at6])
        {
            batch.AddSet(set);
        }

        batch.AddRule(published, new Rule(Match.Destination(Loopback4), Act.Return));
        batch.AddRule(published, new Rule(Match.Destination(IPAddress.IPv6Loopback), Act.Return));
        AddLookups(batch, published, EtherType.Ip4, Field.Ip4Destination, _at4, _anywhere4);
        AddLookups(batch, published, EtherType.Ip6, Field.Ip6Destination, _at6, _anywhere6);
    }

    public void Publish(NftBatch batch, IEnumerable<HeldPort> ports, IPAddress? container4, IPAddress? container6)
    {
        foreach (var (set, elements) in Elements(ports, container4, container6))
        {
            batch.AddElements(set, elements);
        }
    }

    public void Withdraw(NftBatch batch, IEnumerable<HeldPort> ports, IPAddress? container4, IPAddress? container6)
    {
        foreach (var (set, elements) in Elements(ports, container4, container6))
        {
            batch.DeleteElements(set, elements);
        }
    }

    private static void AddLookups(NftBatch batch, Chain published, ushort etherType, Field destination, Set at, Set anywhere)
    {
        batch.AddRule(published, new Rule(Act.DestinationNatOf(at.Name, etherType, withPort: true, destination, Field.TransportProtocol, Field.DestinationPort)));
        batch.AddRule(published, new Rule(Act.DestinationNatOf(anywhere.Name, etherType, withPort: true, Field.TransportProtocol, Field.DestinationPort)));
    }

    private List<(Set Set, List<SetElement> Elements)> Elements(IEnumerable<HeldPort> ports, IPAddress? container4, IPAddress? container6)
    {
        var elements = new List<(Set Set, List<SetElement> Elements)>();
        foreach (var port in ports)
        {
            if (port.IsLoopback)
            {
                continue;
            }

            if (container4 is not null && port.Address?.AddressFamily is null or AddressFamily.InterNetwork)
            {
                ListOf(port.IsAnywhere ? _anywhere4 : _at4).Add(Element(port, container4));
            }

            if (container6 is not null && port.Address?.AddressFamily is null or AddressFamily.InterNetworkV6)
            {
                ListOf(port.IsAnywhere ? _anywhere6 : _at6).Add(Element(port, container6));
            }
        }

        return elements;

        List<SetElement> ListOf(Set set)
        {
            foreach (var (known, list) in elements)
            {
                if (ReferenceEquals(known, set))
                {
                    return list;
                }
            }

            elements.Add((set, []));
            return elements[^1].Elements;
        }
    }

    private static SetElement Element(HeldPort port, IPAddress container)
    {
        var protocol = Value.Byte(port.Port.Protocol == PortProtocol.Tcp ? TransportProtocol.Tcp : TransportProtocol.Udp);
        var number = Value.Port((ushort)port.Port.HostPort);
        return new SetElement(port.IsAnywhere ? Value.Join(protocol, number) : Value.Join(Value.Of(port.Address!), protocol, number))
        {
            Data = Value.Join(Value.Of(container), Value.Port((ushort)port.Port.ContainerPort)),
        };
    }
}
