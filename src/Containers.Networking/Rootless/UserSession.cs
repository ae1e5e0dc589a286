using System.Net;
using System.Net.Sockets;
using Containers.Features;
using Containers.Interop;
using Containers.Launch;
using Containers.Netlink;
using Containers.Ports;
using Containers.Rtnetlink;
using Containers.UserNetworks;

namespace Containers.Rootless;

/// <summary>The network of one container of an ordinary user, from its start to its end: sockets inside it, and pasta where it has a way out.</summary>
internal sealed class UserSession : IFeatureSession, IContainerSide
{
    /// <summary>
    /// The container's own address on its loopback interface, which published ports lead to: those who connect seem to come from it. From
    /// 127.0.0.1 they would seem to be the container itself, which many servers trust (CVE-2021-20199). It is one that is never anyone's
    /// (RFC 7600), so it hides nobody.
    /// </summary>
    public static readonly IPAddress Inside = IPAddress.Parse("192.0.0.8");

    private const int LoopbackIndex = 1;
    private const byte ScopeHost = 254;

    private readonly Lock _gate = new();
    private readonly UserNetwork _networks;
    private readonly Container _container;
    private readonly bool _hasWayOut;
    private readonly IPAddress? _names;
    private Guardian? _guardian;
    private FileDescriptor? _space;
    private RouteClient? _links;
    private SocketStock? _tcp;
    private SocketStock? _udp;
    private PastaLink? _pasta;
    private NetlinkSocket? _rules;
    private HostWall? _wall;
    private NetworkEndpointInfo? _endpoint;
    private (long Received, long Sent) _wayOut;
    private long _received;
    private long _sent;
    private bool _isEnded;

    /// <param name="networks">The engine's.</param>
    /// <param name="container">Whose it is.</param>
    /// <param name="hasWayOut">It gets pasta.</param>
    /// <param name="names">Where queries for names are sent inside that pasta is to answer; null: nowhere.</param>
    public UserSession(UserNetwork networks, Container container, bool hasWayOut, IPAddress? names)
    {
        _networks = networks;
        _container = container;
        _hasWayOut = hasWayOut;
        _names = names;
    }

    public Container Container => _container;

    /// <summary>Its place on the network; null before it has it, and where it has no way out.</summary>
    public NetworkEndpointInfo? Endpoint => Volatile.Read(ref _endpoint);

    /// <summary>A socket in the container's network.</summary>
    /// <exception cref="SocketException">None can be had.</exception>
    public ValueTask<Socket> OpenAsync(PortProtocol protocol, CancellationToken cancellationToken) =>
        (protocol == PortProtocol.Tcp ? _tcp : _udp) is { } stock ? stock.TakeAsync(cancellationToken) : throw new SocketException((int)SocketError.NetworkDown);

    public void Count(long received, long sent)
    {
        if (received > 0)
        {
            Interlocked.Add(ref _received, received);
        }

        if (sent > 0)
        {
            Interlocked.Add(ref _sent, sent);
        }
    }

    public void Attach(FileDescriptor networkNamespace)
    {
        var own = Libc.Duplicate(networkNamespace, Libc.FcntlDuplicateCloseOnExec, 0);
        _space = own.IsInvalid ? throw new NetworkException("keep hold of the network namespace of", _container.Id, ErrnoNames.Last) : own;
        var engine = _container.Engine;
        _guardian = engine.EnsureGuardian(_container.Spec.Guardian);
        _tcp = new SocketStock(_guardian, own, SocketKind.Tcp, engine.Logger);
        _udp = new SocketStock(_guardian, own, SocketKind.Udp, engine.Logger);

        // They work at the same time: pasta on its interface, and a child of the guardian on the sockets.
        _pasta = _hasWayOut ? PastaLink.Start(_guardian, own, _names) : null;
        OpenSockets();
        _links!.Links.SetUp(LoopbackIndex);
        _links.Addresses.Add(new InterfaceAddress(LoopbackIndex, Inside, 32) { Scope = ScopeHost });
        if (_pasta is not null)
        {
            _networks.WatchAddresses();
            _pasta.WaitUntilReady();
            var link = _links.Links.Get(PastaLink.Interface);
            BuildWall(link.Name);
            Volatile.Write(ref _endpoint, Describe(link));
            _ = WatchAsync(_pasta);
        }
    }

    /// <summary>The host has got an address: the container is kept from that too.</summary>
    /// <exception cref="NetworkException">The kernel refuses.</exception>
    public void FollowHost()
    {
        lock (_gate)
        {
            if (!_isEnded)
            {
                _wall?.Follow();
            }
        }
    }

    /// <summary>What went through the interface, and what was passed on of published ports: of that the content, as nothing else of it is seen here.</summary>
    public ResourceUsage Count(ResourceUsage usage)
    {
        lock (_gate)
        {
            if (!_isEnded && _endpoint is not null && _links?.Links.Find(PastaLink.Interface)?.Statistics is { } statistics)
            {
                _wayOut = ((long)statistics.ReceivedBytes, (long)statistics.SentBytes);
            }

            return usage with { NetworkReceivedBytes = _wayOut.Received + Interlocked.Read(ref _received), NetworkSentBytes = _wayOut.Sent + Interlocked.Read(ref _sent) };
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isEnded)
            {
                return;
            }

            _isEnded = true;
        }

        _networks.Forget(this);
        if (_pasta is not null)
        {
            await _pasta.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var stock in (SocketStock?[])[_tcp, _udp])
        {
            if (stock is not null)
            {
                await stock.DisposeAsync().ConfigureAwait(false);
            }
        }

        _wall?.Dispose();
        _rules?.Dispose();
        _links?.Dispose();
        _space?.Dispose();
    }

    /// <summary>Either the addresses that the host gets meanwhile are among those it has, or they are followed after this.</summary>
    private void BuildWall(string device)
    {
        lock (_gate)
        {
            var rules = _rules!;
            _rules = null;
            _wall = HostWall.Build(rules, device, _names);
        }
    }

    /// <summary>One process makes all that are needed at first.</summary>
    private void OpenSockets()
    {
        var protocols = PortFeature.Of(_container.Spec).Mappings.Select(static mapping => mapping.Protocol).Distinct().ToList();
        List<SocketKind> kinds = [SocketKind.Route, SocketKind.Rules];
        foreach (var protocol in protocols)
        {
            kinds.AddRange(Enumerable.Repeat(protocol == PortProtocol.Tcp ? SocketKind.Tcp : SocketKind.Udp, SocketStock.First));
        }

        var made = NamespaceSockets.OpenAsync(_guardian!, _space!, kinds).GetAwaiter().GetResult();
        for (var i = 2; i < made.Count; i++)
        {
            (kinds[i] == SocketKind.Tcp ? _tcp! : _udp!).Add(made[i]);
        }

        _links = new RouteClient(NetlinkSocket.Adopt(made[0], NetlinkFamily.Route));
        _rules = NetlinkSocket.Adopt(made[1], NetlinkFamily.Netfilter);
    }

    private NetworkEndpointInfo Describe(Link link)
    {
        var addresses = _links!.Addresses.List().FindAll(address => address.Index == link.Index && !address.Address.IsIPv6LinkLocal).ConvertAll(static address => address.Address);
        var four = addresses.Find(static address => address.AddressFamily == AddressFamily.InterNetwork);
        var six = addresses.Find(static address => address.AddressFamily == AddressFamily.InterNetworkV6);
        return new NetworkEndpointInfo
        {
            Network = ContainerNetworks.BridgeName,
            ContainerId = _container.Id,
            ContainerName = _container.Name,
            Interface = link.Name,
            Address = four ?? six ?? throw new NetworkException("find the address of the interface", link.Name, "pasta gave it none."),
            Address6 = six,
            MacAddress = link.HardwareAddress,
        };
    }

    /// <summary>Without pasta the container goes on, and reaches nothing: that has to be known.</summary>
    private async Task WatchAsync(PastaLink pasta)
    {
        await pasta.Ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // Otherwise the engine has ended, and all with it.
        if (pasta.Ended.IsCompletedSuccessfully && !Volatile.Read(ref _isEnded))
        {
            _container.Engine.Logger.WayOutLost(_container.Id);
        }
    }
}
