using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;
using Containers.Addresses;
using Containers.Egress;
using Containers.Firewall;
using Containers.Interop;
using Containers.Names;
using Containers.Netlink;
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
    private readonly PhysicalAddress _mac = RandomMac();
    private readonly ConcurrentDictionary<string, Endpoint> _endpoints = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<IPAddress, Endpoint> _byAddress = new();
    private readonly ConcurrentDictionary<Task, bool> _leaving = new();
    private readonly Lock _gate = new();
    private NetworkNames? _names;
    private int _index;
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
            Mtu = options.Mtu ?? DefaultMtu(host.Links);
            _addresses4 = four = new AddressAllocator(host.Records, leases[0].Subnet, options.Gateway);
            _addresses6 = leases.Count > 1 ? new AddressAllocator(host.Records, leases[1].Subnet, options.Gateway6) : null;
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
            firewall.Add(network.Bridge, network.Subnets, options.Internal, options.AllowHost);
            try
            {
                network.CreateBridge();
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
        var index = Volatile.Read(ref _index);
        try
        {
            _host.Links.Links.Create(link with { Master = index, Mtu = Mtu, Up = true });
        }
        catch (NetworkException) when (_host.Links.Links.Find(Bridge)?.Index != index)
        {
            Repair(index);
            _host.Links.Links.Create(link with { Master = Volatile.Read(ref _index), Mtu = Mtu, Up = true });
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

    /// <summary>
    /// A frame may leave by the port it came from: where the bridge itself translates addresses (bridge-nf-call-iptables, as hosts with
    /// other container engines have it), what a container sends to a published port of its own never comes to the host otherwise.
    /// </summary>
    internal void Reflect(string port) => _host.Links.Links.SetPort(_host.Links.Links.Get(port).Index, new BridgePort { Hairpin = true });

    internal LinkStatistics? Statistics(string port) => _host.Links.Links.Find(port)?.Statistics;

    /// <summary>Takes a container away; its addresses are free again once its interface is gone.</summary>
    internal Task LeaveAsync(Endpoint endpoint, bool hasPort, AddressLease lease4, AddressLease? lease6)
    {
        lock (_gate)
        {
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
        Gateway = Gateway4,
        Subnet6 = Subnet6,
        Gateway6 = Gateway6,
        Mtu = Mtu,
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
            _host.Links.Links.TryDelete(Bridge);
            _host.Firewall?.Remove(Bridge, Subnets, IsInternal, _options.AllowHost);
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

    private void CreateBridge()
    {
        var links = _host.Links;
        links.Links.Create(new BridgeLink(Bridge) { Mtu = Mtu, HardwareAddress = _mac, MulticastSnooping = false });
        var index = links.Links.Get(Bridge).Index;
        links.Links.SetAlias(index, _host.Alias);
        SixOnLink.Set(Bridge, Subnet6 is not null);

        // Containers must not be told of shorter ways to each other than by the rules.
        KernelSettings.WriteHere(KernelSettings.ForInterface("ipv4", Bridge, "send_redirects"), "0");
        links.Addresses.Add(new InterfaceAddress(index, Gateway4, Subnet4.PrefixLength) { Broadcast = Broadcast4 });
        if (Gateway6 is { } six)
        {
            links.Addresses.Add(new InterfaceAddress(index, six, Subnet6!.Value.PrefixLength) { Flags = AddressFlags.NoDuplicateDetection });
        }

        links.Links.SetUp(index);
        Volatile.Write(ref _index, index);
    }

    private void Repair(int broken)
    {
        lock (_gate)
        {
            if (_isRemoved || Volatile.Read(ref _index) != broken)
            {
                return;
            }

            _host.Logger.BridgeRepaired(Name, Bridge);
            _ = _host.Links.Links.TryDelete(Bridge);
            CreateBridge();
            foreach (var endpoint in _endpoints.Values)
            {
                if (_host.Links.Links.Find(endpoint.Port) is { } port)
                {
                    _host.Links.Links.SetMaster(port.Index, _index);
                }
            }
        }
    }

    /// <summary>Its own, not that of one of its ports: it would change as they come and go, and neighbours would look for the gateway in vain.</summary>
    private static PhysicalAddress RandomMac()
    {
        const byte LocallyAdministered = 0x02;
        const byte OneInterface = 0xFE;
        var bytes = RandomNumberGenerator.GetBytes(6);
        bytes[0] = (byte)((bytes[0] | LocallyAdministered) & OneInterface);
        return new PhysicalAddress(bytes);
    }

    private static int DefaultMtu(RouteClient links)
    {
        const int Ethernet = 1500;
        var way = links.Routes.List().Find(static route => route is { IsDefault: true, Table: Route.MainTable, Type: RouteType.Unicast, Interface: not null });
        return way is null ? Ethernet : Math.Min(Ethernet, links.Links.Find(way.Interface!.Value)?.Mtu ?? Ethernet);
    }
}
