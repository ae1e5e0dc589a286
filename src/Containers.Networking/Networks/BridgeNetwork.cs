using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Containers.Addresses;
using Containers.Egress;
using Containers.Firewall;
using Containers.Interop;
using Containers.Names;
using Containers.Netlink;
using Containers.Overlay;
using Containers.Rtnetlink;

namespace Containers.Networks;

/// <summary>A bridge of the host with the host's addresses on it, and the containers at its ports.</summary>
internal sealed class BridgeNetwork : IDisposable
{
    private readonly HostSide _host;
    private readonly NetworkOptions _options;
    private readonly AddressAllocator _addresses4;
    private readonly AddressAllocator? _addresses6;
    private readonly SubnetLease[] _leases;
    private readonly HostBridge _bridge;
    private readonly OverlayNetwork? _overlay;
    private readonly BridgeRules _rules;
    private readonly ConcurrentDictionary<string, Endpoint> _endpoints = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<IPAddress, Endpoint> _byAddress = new();
    private readonly ConcurrentDictionary<Task, bool> _leaving = new();
    private readonly Lock _gate = new();
    private NetworkNames? _names;
    private bool _isRemoved;

    private BridgeNetwork(HostSide host, string name, NetworkOptions options, IReadOnlyList<SubnetLease> leases)
    {
        _host = host;
        _options = options;
        _leases = [.. leases];
        Name = name;
        Bridge = host.TakeBridgeName();
        AddressAllocator? four = null;
        try
        {
            _overlay = options.Overlay is { } overlay ? OverlayNetwork.Prepare(host, Bridge, overlay) : null;
            Mtu = NetworkMtu.Choose(host.Links, name, options, _overlay);
            _addresses4 = four = new AddressAllocator(host.Records, leases[0].Subnet, options.Gateway, options.AddressRange);
            _addresses6 = leases.Count > 1 ? new AddressAllocator(host.Records, leases[1].Subnet, options.Gateway6, options.AddressRange6) : null;
            _bridge = new HostBridge(host, this, _overlay);
            _rules = new BridgeRules(this, options, _overlay);
        }
        catch
        {
            four?.Dispose();
            host.ReturnBridgeName(Bridge);
            throw;
        }
    }

    public string Name { get; }

    /// <summary>The bridge's interface.</summary>
    public string Bridge { get; }

    public int Mtu { get; }

    public bool IsInternal => _options.Internal;

    public IPNetwork Subnet4 => _addresses4.Subnet;

    public IPNetwork? Subnet6 => _addresses6?.Subnet;

    /// <summary>The host's address here.</summary>
    public IPAddress Gateway4 => _addresses4.Gateway;

    public IPAddress? Gateway6 => _addresses6?.Gateway;

    public IPAddress? Broadcast4 => _addresses4.Broadcast;

    /// <summary>The containers, also those that are only about to be attached (<see cref="Endpoint.IsAttached"/>).</summary>
    public ICollection<Endpoint> Endpoints => _endpoints.Values;

    public DateTimeOffset CreatedAt { get; } = DateTimeOffset.UtcNow;

    /// <summary>Makes the network with all that belongs to it, or nothing.</summary>
    /// <exception cref="NetworkException">It cannot be had; the message says why.</exception>
    public static BridgeNetwork Create(HostSide host, string name, NetworkOptions options)
    {
        if (options.IPv6 && !KernelSettings.HasSix)
        {
            throw new NetworkException("create the network", name, Errno.EAFNOSUPPORT, "This kernel has no IPv6 (ipv6.disable=1, or the module ipv6): leave NetworkOptions.IPv6 out.");
        }

        var leases = SubnetReservation.Take(host, options);
        BridgeNetwork network;
        try
        {
            network = new BridgeNetwork(host, name, options, leases);
        }
        catch
        {
            leases.ForEach(static lease => lease.Dispose());
            throw;
        }

        try
        {
            var firewall = host.EnsureFirewall();
            network._rules.Add(firewall);
            try
            {
                lock (network._gate)
                {
                    network._bridge.Create();
                }

                network._names = NetworkNames.Start(host, firewall, network);
                if (!options.Internal)
                {
                    Forwarding.Enable(host, firewall, options.IPv6);
                }
            }
            catch
            {
                network.TakeAway();
                throw;
            }
        }
        catch
        {
            network.Release();
            throw;
        }

        host.Logger.NetworkMade(name, network.Bridge);
        OtherFirewalls.Tell(network.Firewall, HostSide.BridgePrefix, host.Logger);
        return network;
    }

    /// <summary>What the host itself asks, and how.</summary>
    public ResolverConfiguration Resolvers => _host.Names.Resolvers.Current;

    /// <summary>A container that is about to join its first network, as one that has and is told names.</summary>
    /// <param name="feature">What was asked for it.</param>
    public ContainerNames NewNames(NetworkFeature feature) => _host.Names.AddContainer(
        feature.NameServers.IsEmpty ? null : feature.NameServers.Select(static server => new IPEndPoint(server, ResolverConfiguration.Port)),
        feature.SearchDomains.IsEmpty ? null : feature.SearchDomains);

    /// <summary>From now on a container's names mean its addresses, and it is answered.</summary>
    internal IDisposable Register(Endpoint endpoint, ContainerNames container) => container.Join(
        _names!.Zone,
        endpoint.Address6 is { } six ? [endpoint.Address4, six] : [endpoint.Address4],
        endpoint.Names);

    /// <summary>The container that has this address here and is attached.</summary>
    public bool TryFind(IPAddress address, [NotNullWhen(true)] out Endpoint? endpoint) => _byAddress.TryGetValue(address, out endpoint) && endpoint.IsAttached;

    /// <summary>Completes when the interfaces of all containers that have left are gone, and with them their addresses free.</summary>
    public Task SettledAsync() => Task.WhenAll(_leaving.Keys);

    /// <summary>Gives a container addresses here.</summary>
    /// <exception cref="NetworkException">An address cannot be had, or the container is here already.</exception>
    public Endpoint Reserve(Container container, NetworkAttachment attachment, ContainerNames names)
    {
        if (attachment.Address6 is { } six && _addresses6 is null)
        {
            throw new NetworkException("give the address", six.ToString(), $"The network {Name} has no IPv6: make it with NetworkOptions.IPv6.");
        }

        if (_overlay is not null)
        {
            RequireOwn(attachment.Address4, _options.AddressRange);
            RequireOwn(attachment.Address6, _options.AddressRange6);
        }

        lock (_gate)
        {
            if (_isRemoved)
            {
                throw new NetworkException("connect to the network", Name, "It has just been removed.");
            }

            if (attachment.Mac is { } mac && _endpoints.Values.FirstOrDefault(endpoint => endpoint.Mac.Equals(mac)) is { } other)
            {
                throw new NetworkException("give the hardware address", mac.ToString(), $"The container {other.Container.Name ?? other.Container.Id[..12]} has it in the network {Name}.");
            }

            var lease4 = attachment.Address4 is { } wanted4 ? _addresses4.Take(wanted4) : _addresses4.Take();
            AddressLease? lease6 = null;
            try
            {
                lease6 = attachment.Address6 is { } wanted6 ? _addresses6!.Take(wanted6) : _addresses6?.Take();
                var endpoint = new Endpoint(this, container, attachment, lease4, lease6, names);
                if (!_endpoints.TryAdd(container.Id, endpoint))
                {
                    throw new NetworkException("connect to the network", Name, Errno.EEXIST, "The container is connected to it already.");
                }

                _byAddress[endpoint.Address4] = endpoint;
                if (endpoint.Address6 is { } address6)
                {
                    _byAddress[address6] = endpoint;
                }

                return endpoint;
            }
            catch
            {
                lease4.Dispose();
                lease6?.Dispose();
                throw;
            }
        }
    }

    /// <summary>Makes a container's interface with its port here. A bridge that somebody deleted is made again.</summary>
    internal void CreatePort(VethLink link)
    {
        var index = _bridge.Index;
        try
        {
            _host.Links.Links.Create(link with { Master = index, Mtu = Mtu, Up = true });
        }
        catch (NetworkException) when (_host.Links.Links.Find(Bridge)?.Index != index)
        {
            _ = Repair();
            _host.Links.Links.Create(link with { Master = _bridge.Index, Mtu = Mtu, Up = true });
        }
    }

    /// <summary>Makes again what somebody took from the bridge. False: nothing was missing.</summary>
    internal bool Repair()
    {
        lock (_gate)
        {
            return !_isRemoved && _bridge.Repair(_endpoints.Values.Select(static endpoint => endpoint.Port));
        }
    }

    /// <summary>Has other peers from now on.</summary>
    /// <exception cref="ArgumentException">One of them cannot be a peer.</exception>
    /// <exception cref="NetworkException">It is no overlay network, or the kernel refuses; the peers are those from before.</exception>
    public void SetPeers(ImmutableArray<IPAddress> peers, string parameter)
    {
        if (_overlay is null)
        {
            throw new NetworkException("set the peers of the network", Name, "It is no overlay network: make it with NetworkOptions.Overlay.");
        }

        OverlayRule.RequirePeers(_options, peers, parameter);
        _ = Repair();
        lock (_gate)
        {
            _overlay.SetPeers(Firewall, peers);
        }
    }

    /// <summary>Puts a queue before the host's end of a port.</summary>
    internal void Shape(string port, NetworkShape shape)
    {
        if (shape != NetworkShape.None)
        {
            shape.ApplyOutside(_host.Links.Qdiscs, _host.Links.Links.Get(port).Index, Mtu);
        }
    }

    /// <summary>The engine's rules, which are there while a network is.</summary>
    internal FirewallTable Firewall => _host.Firewall ?? throw new NetworkException("find the rules of the network", Name, "it has just been removed");

    /// <inheritdoc cref="HostBridge.LeadTo"/>
    internal void LeadTo(string port) => _bridge.LeadTo(port);

    internal LinkStatistics? Statistics(string port) => _host.Links.Links.Find(port)?.Statistics;

    /// <summary>Takes a container away; its addresses are free again once its interface is gone.</summary>
    internal Task LeaveAsync(Endpoint endpoint, bool hasPort, AddressLease lease4, AddressLease? lease6)
    {
        lock (_gate)
        {
            _bridge.Forget(endpoint.Port);
            _endpoints.TryRemove(new(endpoint.Container.Id, endpoint));
            _byAddress.TryRemove(new(endpoint.Address4, endpoint));
            if (endpoint.Address6 is { } six)
            {
                _byAddress.TryRemove(new(six, endpoint));
            }
        }

        if (!hasPort)
        {
            lease4.Dispose();
            lease6?.Dispose();
            return Task.CompletedTask;
        }

        var gone = _host.Removal.Add(endpoint.Port, endpoint.Guard, lease4, lease6);
        _leaving[gone] = true;
        _ = gone.ContinueWith(task => _leaving.TryRemove(task, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return gone;
    }

    /// <summary>No container comes any more. False: there is one.</summary>
    public bool TryClose()
    {
        lock (_gate)
        {
            return _isRemoved = _isRemoved || _endpoints.IsEmpty;
        }
    }

    public NetworkInfo Describe() => new()
    {
        Name = Name,
        Kind = NetworkKind.Bridge,
        Bridge = Bridge,
        Subnet = Subnet4,
        AddressRange = _options.AddressRange,
        Gateway = Gateway4,
        Subnet6 = Subnet6,
        AddressRange6 = _options.AddressRange6,
        Gateway6 = Gateway6,
        Mtu = Mtu,
        ConnectionLimit = _rules.ConnectionLimit,
        Overlay = _overlay?.Describe(_host.Firewall),
        Internal = IsInternal,
        AllowHost = _options.AllowHost,
        Labels = _options.Labels,
        CreatedAt = CreatedAt,
        Endpoints = [.. _endpoints.Values.Select(static endpoint => endpoint.Describe())],
    };

    /// <summary>Takes bridge, rules and subnet away. What cannot be is told, and keeps nothing else from being taken away.</summary>
    public void Dispose()
    {
        // Until then addresses are given back.
        SettledAsync().GetAwaiter().GetResult();
        TakeAway();
        Release();
    }

    private void TakeAway()
    {
        try
        {
            _names?.Stop(_host.Firewall);
        }
        catch (NetworkException fault)
        {
            _host.Logger.NetworkFault(fault);
        }

        try
        {
            lock (_gate)
            {
                _isRemoved = true;
                _bridge.Delete();
            }

            _rules.Remove(_host.Firewall);
        }
        catch (NetworkException fault)
        {
            _host.Logger.NetworkFault(fault);
        }
    }

    /// <summary>The subnets, that of IPv4 first.</summary>
    public IPNetwork[] Subnets => Subnet6 is { } six ? [Subnet4, six] : [Subnet4];

    private void Release()
    {
        _host.ReturnBridgeName(Bridge);
        _addresses4.Dispose();
        _addresses6?.Dispose();
        foreach (var lease in _leases)
        {
            lease.Dispose();
        }
    }

    /// <summary>The other addresses of an overlay network are other hosts' to give.</summary>
    private void RequireOwn(IPAddress? wanted, IPNetwork? range)
    {
        if (wanted is not null && range is { } own && !own.Contains(wanted))
        {
            throw new NetworkException("give the address", wanted.ToString(), $"It is not in the range {own}, of which this host gives the addresses of the network {Name}.");
        }
    }
}
