using System.Net;
using System.Net.Sockets;
using Containers.Firewall;
using Containers.Nftables;

namespace Containers.Ports;

/// <summary>
/// The part of the engine's table that sends connections from ports of this host to containers. The rules are the same however many
/// ports there are: what is published are elements of maps, one a port, which a packet looks up once.
/// <para>
/// Packets come here by a rule that lets through only those to an address of this host itself (CVE-2025-67499: what is on its way to
/// another machine's port is not ours), and to 127.0.0.1 only from the host itself. Those to ::1 turn back: for IPv6 the kernel has nothing
/// like <c>route_localnet</c>, so this process passes them on.
/// </para>
/// </summary>
internal sealed class PortRules : IFirewallPart
{
    public void Declare(NftBatch batch, FirewallTable table)
    {
        var maps = new Maps(table.Table);
        foreach (var map in (ReadOnlySpan<Set>)[maps.Anywhere4, maps.Anywhere6, maps.At4, maps.At6])
        {
            batch.AddSet(map);
        }

        batch.AddRule(table.Published, new Rule(Match.Destination(IPAddress.IPv6Loopback), Act.Return));
        AddLookups(batch, table.Published, EtherType.Ip4, Field.Ip4Destination, maps.At4, maps.Anywhere4);
        AddLookups(batch, table.Published, EtherType.Ip6, Field.Ip6Destination, maps.At6, maps.Anywhere6);
    }

    /// <summary>Adds the elements for ports of a container with these addresses.</summary>
    public static void Publish(NftBatch batch, FirewallTable table, IEnumerable<HeldPort> ports, IPAddress? container4, IPAddress? container6)
    {
        foreach (var (map, elements) in Elements(new Maps(table.Table), ports, container4, container6))
        {
            batch.AddElements(map, elements);
        }
    }

    /// <summary>The reverse of <see cref="Publish"/>.</summary>
    public static void Withdraw(NftBatch batch, FirewallTable table, IEnumerable<HeldPort> ports, IPAddress? container4, IPAddress? container6)
    {
        foreach (var (map, elements) in Elements(new Maps(table.Table), ports, container4, container6))
        {
            batch.DeleteElements(map, elements);
        }
    }

    private static void AddLookups(NftBatch batch, Chain published, ushort etherType, Field destination, Set at, Set anywhere)
    {
        batch.AddRule(published, new Rule(Act.DestinationNatOf(at.Name, etherType, withPort: true, destination, Field.TransportProtocol, Field.DestinationPort)));
        batch.AddRule(published, new Rule(Act.DestinationNatOf(anywhere.Name, etherType, withPort: true, Field.TransportProtocol, Field.DestinationPort)));
    }

    private static IEnumerable<(Set Map, List<SetElement> Elements)> Elements(Maps maps, IEnumerable<HeldPort> ports, IPAddress? container4, IPAddress? container6)
    {
        (Set Map, List<SetElement> Elements)[] all = [(maps.Anywhere4, []), (maps.At4, []), (maps.Anywhere6, []), (maps.At6, [])];
        foreach (var port in ports)
        {
            var kind = port.IsAnywhere ? 0 : 1;
            if (container4 is not null && port.IsTranslated(AddressFamily.InterNetwork))
            {
                all[kind].Elements.Add(Element(port, container4));
            }

            if (container6 is not null && port.IsTranslated(AddressFamily.InterNetworkV6))
            {
                all[kind + 2].Elements.Add(Element(port, container6));
            }
        }

        return all.Where(static of => of.Elements.Count > 0);
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

    /// <summary>From a port, at any address of the host or at one, to a container's address and port.</summary>
    private sealed class Maps(Table table)
    {
        public Set Anywhere4 { get; } = new(table, "ports4", DataType.Protocol, DataType.Port) { Data = [DataType.Ip4, DataType.Port] };

        public Set Anywhere6 { get; } = new(table, "ports6", DataType.Protocol, DataType.Port) { Data = [DataType.Ip6, DataType.Port] };

        public Set At4 { get; } = new(table, "ports4-at", DataType.Ip4, DataType.Protocol, DataType.Port) { Data = [DataType.Ip4, DataType.Port] };

        public Set At6 { get; } = new(table, "ports6-at", DataType.Ip6, DataType.Protocol, DataType.Port) { Data = [DataType.Ip6, DataType.Port] };
    }
}
