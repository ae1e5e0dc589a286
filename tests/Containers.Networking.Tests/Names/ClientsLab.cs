using System.Net;
using Containers.Names;
using Containers.Nftables;
using Containers.Rtnetlink;

namespace Containers.Tests.Names;

/// <summary>A host with the bridge of one network and its name server, and machines at the bridge with the programs that people use.</summary>
internal sealed class ClientsLab : IAsyncDisposable
{
    public const string Gateway = "10.1.0.1";
    private const string Bridge = "br0";
    private readonly TestDirectory _directory = new();
    private readonly TestNamespace _host = TestNamespace.Create();
    private readonly NftablesClient _nft;
    private readonly List<TestNamespace> _clients = [];
    private readonly NameServer _server;
    private readonly Lazy<string> _muslLookup;

    /// <param name="isInternal">The network has no way out.</param>
    public ClientsLab(bool isInternal = false)
    {
        _muslLookup = new Lazy<string>(() => MuslLookup.Compile(_directory.Path));
        Zone = Names.Registry.AddZone("net", [IPNetwork.Parse("10.1.0.0/16")], isInternal);
        _host.Route.Links.Create(new BridgeLink(Bridge));
        var bridge = _host.Route.Links.Get(Bridge).Index;
        _host.Route.Addresses.Add(new InterfaceAddress(bridge, IPAddress.Parse(Gateway), 16));
        _host.Route.Links.SetUp(bridge);
        _server = _host.Namespace.Run(() => NameServer.Start(IPAddress.Parse(Gateway), Zone, new QueryForwarder()));
        _nft = NftablesClient.Open(_host.Namespace);
        _nft.Commit(batch =>
        {
            var table = new Table(NftFamily.Inet, "t");
            var chain = new Chain(table, "pre") { Hook = new Hook(HookPoint.Prerouting, ChainPriority.DestinationNat) { Type = ChainType.Nat } };
            batch.AddTable(table);
            batch.AddChain(chain);
            var port = (ushort)_server.EndPoint.Port;
            batch.AddRule(chain, new Rule(Match.InputInterface(Bridge), Match.Destination(IPAddress.Parse(Gateway)), Match.UdpDestinationPort(ResolverConfiguration.Port), Act.Redirect(port)));
            batch.AddRule(chain, new Rule(Match.InputInterface(Bridge), Match.Destination(IPAddress.Parse(Gateway)), Match.TcpDestinationPort(ResolverConfiguration.Port), Act.Redirect(port)));
        });
    }

    public NamesLab Names { get; } = new();

    public NameZone Zone { get; }

    /// <summary>A machine at the bridge, known by names.</summary>
    /// <param name="last">The last byte of its address.</param>
    /// <param name="upstream">The host's resolver for it.</param>
    /// <param name="names">Its names.</param>
    public TestNamespace Add(byte last, IPEndPoint? upstream, params string[] names)
    {
        var client = TestNamespace.Create();
        _clients.Add(client);
        var port = $"port{last}";
        _host.Route.Links.Create(new VethLink(port, new VethLink("eth0") { Namespace = client.Namespace }) { Master = _host.Route.Links.Get(Bridge).Index, Up = true });
        var link = client.Route.Links.Get("eth0").Index;
        client.Route.Links.SetUp(client.Route.Links.Get("lo").Index);
        client.Route.Addresses.Add(new InterfaceAddress(link, IPAddress.Parse($"10.1.0.{last}"), 16));
        client.Route.Links.SetUp(link);
        if (names.Length > 0)
        {
            Names.Registry.AddContainer(upstream is null ? null : [upstream], ["corp.example"]).Join(Zone, [IPAddress.Parse($"10.1.0.{last}")], names);
        }

        return client;
    }

    /// <summary>Runs a program as in a container whose resolver is this server.</summary>
    /// <returns>What it wrote, with runs of white space as one space, and its exit code behind it.</returns>
    public string Run(TestNamespace client, string options, params string[] command)
    {
        const string Script = "mount --bind \"$0\" /etc/resolv.conf && mount --bind \"$0.hosts\" /etc/hosts && { \"$@\" 2>&1; echo \"=> $?\"; }";
        var file = Path.Combine(_directory.Path, "resolv.conf");
        File.WriteAllText(file, $"nameserver {Gateway}\n{options}\n");
        File.WriteAllText(file + ".hosts", "127.0.0.1 localhost\n");
        return client.Words("unshare", ["--mount", "sh", "-c", Script, file, .. command]);
    }

    /// <summary>getaddrinfo and getnameinfo of musl, in a static program.</summary>
    public string RunMusl(TestNamespace client, string options, params string[] arguments) => Run(client, options, [_muslLookup.Value, .. arguments]);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _nft.Dispose();
        _clients.ForEach(static client => client.Dispose());
        _host.Dispose();
        Names.Dispose();
        _directory.Dispose();
    }
}
