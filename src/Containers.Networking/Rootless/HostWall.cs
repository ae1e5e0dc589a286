using System.Net;
using System.Net.Sockets;
using Containers.Netlink;
using Containers.Nftables;
using Containers.Rtnetlink;

namespace Containers.Rootless;

/// <summary>
/// What keeps a container from the host it leaves through. pasta connects from the host, so that every address of the host, its loopback
/// included, is the host's own services to whoever sends a packet there; the gateway's it does not take for the host (--no-map-gw). Rules in
/// the container's own network refuse them. Routes would not do: a socket that is bound to the interface goes by it where there is none, to
/// 127.0.0.1 too. Nothing in the container may change the rules or make packets that pass them by: that takes CAP_NET_ADMIN and CAP_NET_RAW.
/// </summary>
internal sealed class HostWall : IDisposable
{
    /// <summary>Never of the outside: this host, loopback, the links of a host with what a cloud serves there, all that listen.</summary>
    private static readonly IPNetwork[] Inner =
    [
        IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("224.0.0.0/4"), IPNetwork.Parse("255.255.255.255/32"),
        IPNetwork.Parse("::/127"), IPNetwork.Parse("::ffff:0:0/96"), IPNetwork.Parse("fd00:ec2::/32"), IPNetwork.Parse("fe80::/10"), IPNetwork.Parse("ff00::/8"),
    ];

    /// <summary>Where neighbours and routers are asked for.</summary>
    private static readonly IPNetwork[] Links = [IPNetwork.Parse("fe80::/10"), IPNetwork.Parse("ff02::/16")];

    private static readonly Table Table = new(NftFamily.Inet, "containers-host");
    private static readonly Chain Output = new(Table, "output") { Hook = new Hook(HookPoint.Output, ChainPriority.Filter) };
    private static readonly Chain Refused = new(Table, "refused");
    private static readonly Set Four = new(Table, "host4", DataType.Ip4);
    private static readonly Set Six = new(Table, "host6", DataType.Ip6);

    private readonly NftablesClient _client;

    private HostWall(NftablesClient client) => _client = client;

    /// <summary>Builds it, before anything of the container's runs.</summary>
    /// <param name="socket">One for nf_tables in the container's network; owned.</param>
    /// <param name="device">The interface by which it leaves.</param>
    /// <param name="names">An address that pasta answers queries for names at, which is let through; null: none.</param>
    /// <exception cref="NetworkException">The kernel refuses, or has no nf_tables.</exception>
    public static HostWall Build(NetlinkSocket socket, string device, IPAddress? names)
    {
        var client = new NftablesClient(socket);
        try
        {
            client.Commit(batch => Add(batch, device, names));
            return new HostWall(client);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Adds the addresses that the host has now.</summary>
    public void Follow() => _client.Commit(AddAddresses);

    public void Dispose() => _client.Dispose();

    private static void Add(NftBatch batch, string device, IPAddress? names)
    {
        batch.AddTable(Table);
        batch.AddSet(Four);
        batch.AddSet(Six);
        batch.AddChain(Output);
        batch.AddChain(Refused);
        batch.AddRule(Refused, new Rule(Act.ResetTcp));
        batch.AddRule(Refused, new Rule(Act.Reject));
        batch.AddRule(Output, new Rule(Match.NotOutputInterface(device), Act.Accept));
        if (names is not null)
        {
            batch.AddRule(Output, new Rule(Match.Destination(names), Match.UdpDestinationPort(Names.ResolverConfiguration.Port), Act.Accept));
        }

        foreach (var network in Links)
        {
            batch.AddRule(Output, new Rule(Match.Destination(network), Match.TransportProtocol(TransportProtocol.Icmp6), Act.Accept));
        }

        foreach (var network in Inner)
        {
            batch.AddRule(Output, new Rule(Match.Destination(network), Act.Counter, Act.Goto(Refused.Name)));
        }

        batch.AddRule(Output, new Rule(Match.In(Four.Name, Field.Ip4Destination), Act.Counter, Act.Goto(Refused.Name)));
        batch.AddRule(Output, new Rule(Match.In(Six.Name, Field.Ip6Destination), Act.Counter, Act.Goto(Refused.Name)));
        AddAddresses(batch);
    }

    private static void AddAddresses(NftBatch batch)
    {
        using var host = RouteClient.Open();
        var addresses = host.Addresses.List().ConvertAll(static address => address.Address).Distinct().ToLookup(static address => address.AddressFamily);
        Add(batch, Four, addresses[AddressFamily.InterNetwork]);
        Add(batch, Six, addresses[AddressFamily.InterNetworkV6]);
    }

    private static void Add(NftBatch batch, Set set, IEnumerable<IPAddress> addresses)
    {
        SetElement[] elements = [.. addresses.Select(static address => new SetElement(Value.Of(address)))];
        if (elements.Length > 0)
        {
            batch.AddElements(set, elements);
        }
    }
}
