using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Containers.Egress;
using Containers.Features;
using Containers.Firewall;
using Containers.Interop;
using Containers.Networks;
using Containers.Ports;
using Containers.Rootless;
using Containers.Specification;
using Containers.Specification.Rules;

namespace Containers;

/// <summary>
/// The networks of an engine. They are there as long as it is, and the engine of a process that died has its networks taken away by the
/// next one. Three are there from the start, as with Docker: <c>bridge</c>, <c>host</c> and <c>none</c>; a container that asks for nothing
/// has none. All members may be used from any thread.
/// </summary>
public sealed partial class ContainerNetworks : IDisposable
{
    internal const string BridgeName = "bridge";
    internal const string HostName = "host";
    internal const string NoneName = "none";

    private readonly Lock _gate = new();
    private readonly ContainerEngine _engine;
    private readonly Dictionary<string, BridgeNetwork> _networks = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, NetworkSession> _sessions = new(StringComparer.Ordinal);
    private readonly IFirewallPart[] _parts = [new PortRules()];
    private HostSide? _host;
    private bool _isDisposed;

    internal ContainerNetworks(ContainerEngine engine) => _engine = engine;

    /// <summary>Makes a bridge network.</summary>
    /// <param name="name">Its name, by the rule for names of containers.</param>
    /// <param name="options">What it is like; null: all is chosen.</param>
    /// <param name="cancellationToken">Not used once the making has begun.</param>
    /// <exception cref="ArgumentException">The name, or something of the options, cannot be right.</exception>
    /// <exception cref="NetworkException">There is a network of this name, a subnet is in use or none is free, or the kernel refuses. Nothing is left of it.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed.</exception>
    public Task<NetworkInfo> CreateAsync(string name, NetworkOptions? options = null, CancellationToken cancellationToken = default)
    {
        ContainerName.Require(name, nameof(name), "network");
        NetworkRule.Require(options ??= new NetworkOptions(), nameof(options));
        options = options with
        {
            Labels = options.Labels.ToImmutableDictionary(),
            Overlay = options.Overlay is { } overlay ? overlay with { Peers = [.. overlay.Peers] } : null,
        };
        return Task.Run(
            () =>
            {
                lock (_gate)
                {
                    return _networks.ContainsKey(name) || IsBuiltIn(name)
                        ? throw new NetworkException("create the network", name, Errno.EEXIST, "The engine has a network of that name: remove it first, or use another name.")
                        : Create(name, options).Describe();
                }
            },
            cancellationToken);
    }

    /// <summary>All networks, the built-in ones first.</summary>
    /// <param name="cancellationToken">Not used once the listing has begun.</param>
    public Task<IReadOnlyList<NetworkInfo>> ListAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            IReadOnlyList<NetworkInfo> all =
            [
                DescribeBuiltIn(BridgeName), DescribeBuiltIn(HostName), DescribeBuiltIn(NoneName),
                .. _networks.Values.Where(static network => network.Name != BridgeName).OrderBy(static network => network.Name, StringComparer.Ordinal).Select(static network => network.Describe()),
            ];
            return Task.FromResult(all);
        }
    }

    /// <summary>One network, with its containers.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Not used once the reading has begun.</param>
    /// <exception cref="NetworkException">There is none of this name.</exception>
    public Task<NetworkInfo> InspectAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return Task.FromResult(IsBuiltIn(name) ? DescribeBuiltIn(name) : Find(name).Describe());
        }
    }

    /// <summary>Removes a network that no container is connected to.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Not used once the removal has begun.</param>
    /// <exception cref="NetworkException">There is none of this name, it is a built-in one, or a container is connected.</exception>
    public Task RemoveAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Task.Run(
            () =>
            {
                lock (_gate)
                {
                    if (IsBuiltIn(name))
                    {
                        throw new NetworkException("remove the network", name, Errno.EPERM, "It is a built-in one.");
                    }

                    var network = Find(name);
                    if (!network.TryClose())
                    {
                        var users = string.Join(", ", network.Endpoints.Select(static endpoint => endpoint.Container.Name ?? endpoint.Container.Id[..12]));
                        throw new NetworkException("remove the network", name, Errno.EBUSY, $"Containers are connected to it: {users}. Disconnect or end them first.");
                    }

                    Remove(network);
                }
            },
            cancellationToken);
    }

    /// <summary>Gives a network across hosts other peers: from then on those are sent to and believed, and no others. Containers stay.</summary>
    /// <param name="name">The network's name; it was made with <see cref="NetworkOptions.Overlay"/>.</param>
    /// <param name="peers">All other hosts' addresses.</param>
    /// <param name="cancellationToken">Not used once it has begun.</param>
    /// <exception cref="ArgumentException">One of them cannot be a peer: another family than this host's address, its own, named twice.</exception>
    /// <exception cref="NetworkException">There is no such network, it is none across hosts, or the kernel refuses: then the peers are those from before.</exception>
    public Task<NetworkInfo> SetPeersAsync(string name, IEnumerable<System.Net.IPAddress> peers, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(peers);
        var all = peers.ToImmutableArray();
        return Task.Run(
            () =>
            {
                lock (_gate)
                {
                    var network = Find(name);
                    network.SetPeers(all, nameof(peers));
                    return network.Describe();
                }
            },
            cancellationToken);
    }

    /// <summary>Removes all networks that no container is connected to, but the built-in ones.</summary>
    /// <param name="cancellationToken">Not used once the removal has begun.</param>
    /// <returns>The names of those removed.</returns>
    public Task<IReadOnlyList<string>> PruneAsync(CancellationToken cancellationToken = default) => Task.Run<IReadOnlyList<string>>(
        () =>
        {
            lock (_gate)
            {
                var unused = _networks.Values.Where(static network => network.Name != BridgeName && network.TryClose()).ToList();
                unused.ForEach(Remove);
                return [.. unused.Select(static network => network.Name)];
            }
        },
        cancellationToken);

    /// <summary>Called with the engine, when nothing runs any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            foreach (var session in _sessions.Values)
            {
                session.Dispose();
            }

            foreach (var network in _networks.Values)
            {
                network.Dispose();
            }

            _networks.Clear();
            _host?.Dispose();
        }
    }

    /// <summary>What a container is connected to; nothing where it has not asked for any network.</summary>
    internal IReadOnlyList<Endpoint> EndpointsOf(Container container) => _sessions.TryGetValue(container.Id, out var session) ? session.Endpoints : [];

    /// <summary>The rules of this engine; there while any container is on a bridge.</summary>
    internal FirewallTable? Firewall => _host?.Firewall;

    /// <summary>The policies of containers, also of those that have ended, as long as somebody holds these.</summary>
    internal ConditionalWeakTable<Container, EgressSession> EgressSessions { get; } = [];

    /// <summary>The bridge networks there are.</summary>
    internal IReadOnlyList<BridgeNetwork> Bridges
    {
        get
        {
            lock (_gate)
            {
                return [.. _networks.Values];
            }
        }
    }

    private BridgeNetwork Create(string name, NetworkOptions options)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, _engine);
        if (_engine.Facts.IsRootless)
        {
            throw new NetworkException("create the network", name, Errno.EPERM, UserRules.NoBridges);
        }

        _host ??= new HostSide(_engine, _parts);
        try
        {
            return _networks[name] = BridgeNetwork.Create(_host, name, options);
        }
        catch when (_networks.Count == 0)
        {
            _host.DropFirewall();
            throw;
        }
    }

    private void Remove(BridgeNetwork network)
    {
        _networks.Remove(network.Name);
        network.Dispose();
        if (_networks.Count == 0)
        {
            _host!.DropFirewall();
        }
    }

    private BridgeNetwork Find(string name) => _networks.TryGetValue(name, out var network)
        ? network
        : throw new NetworkException("find the network", Printable.Shorten(name), Errno.ENOENT, "Create it with ContainerEngine.Networks.CreateAsync.");

    /// <summary>The bridge network of this name; the built-in one is made at its first use.</summary>
    private BridgeNetwork FindOrCreate(string name)
    {
        lock (_gate)
        {
            return name == BridgeName && !_networks.ContainsKey(name) ? Create(name, new NetworkOptions()) : Find(name);
        }
    }

    private static bool IsBuiltIn(string name) => name is BridgeName or HostName or NoneName;

    private NetworkInfo DescribeBuiltIn(string name) => _networks.TryGetValue(name, out var made)
        ? made.Describe()
        : new NetworkInfo { Name = name, Kind = name switch { BridgeName when _engine.Facts.IsRootless => NetworkKind.User, BridgeName => NetworkKind.Bridge, HostName => NetworkKind.Host, _ => NetworkKind.None }, Endpoints = name == BridgeName && _engine.Facts.IsRootless ? [.. UserNetwork.Of(_engine).Endpoints] : [] };
}
