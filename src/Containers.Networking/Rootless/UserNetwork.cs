using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Containers.Features;
using Containers.Names;
using Containers.Netlink;
using Containers.Networks;
using Containers.Rtnetlink;
using Containers.Specification;

namespace Containers.Rootless;

/// <summary>
/// The networks of an ordinary user's engine: one, <c>bridge</c>, by which each container for itself leaves through pasta. Ports are
/// published by this process, with sockets that are in the containers' networks; that needs no pasta.
/// </summary>
internal sealed class UserNetwork(ContainerEngine engine) : IDisposable
{
    private const string PingGroups = "net.ipv4.ping_group_range";

    /// <summary>Where a container sends its queries for names when the host's resolver is on the host; pasta hands them to that.</summary>
    private static readonly IPAddress Names = IPAddress.Parse("169.254.1.1");
    private static readonly IPAddress Names6 = IPAddress.Parse("fd00:ec2::1:1");

    private readonly ConcurrentDictionary<string, UserSession> _sessions = new(StringComparer.Ordinal);
    private readonly HostResolvers _resolvers = new();
    private readonly Lock _gate = new();
    private readonly List<NetlinkEvents> _addresses = [];
    private bool _isDisposed;

    public static UserNetwork Of(ContainerEngine engine) => engine.Extension(static engine => new UserNetwork(engine));

    /// <summary>The containers that have a way out.</summary>
    public IEnumerable<NetworkEndpointInfo> Endpoints => _sessions.Values.Select(static session => session.Endpoint).OfType<NetworkEndpointInfo>();

    /// <summary>What a container has; null: it has asked for nothing, or has ended.</summary>
    public UserSession? Find(Container container) => _sessions.GetValueOrDefault(container.Id);

    /// <summary>Says what is launched, and refuses what cannot be.</summary>
    /// <exception cref="NetworkException">Something cannot be had by an ordinary user, or not here.</exception>
    public PreparedFeature Prepare(Container container, ContainerSpec spec, NetworkFeature feature)
    {
        UserRules.Require(feature);
        var missing = UserRules.WhyNoWayOut(spec);
        if (missing is { } without)
        {
            if (!feature.Attachments.IsEmpty)
            {
                throw new NetworkException("connect the container to", ContainerNetworks.BridgeName, $"{without.Reason}. {without.Remedy} Published ports work without.");
            }

            // Asked for were ports alone.
            engine.Logger.NoWayOut(container.Id, without.Reason, without.Remedy);
        }

        var hasWayOut = missing is null;
        var local = hasWayOut ? LocalAddresses() : [];
        var names = hasWayOut && feature.NameServers.IsEmpty ? Forwarded(local) : null;
        var session = new UserSession(this, container, hasWayOut, names);
        var prepared = spec with
        {
            HostsFile = HostsFile.Compose(spec.Hostname ?? container.Id[..12], spec.DomainName, [], feature.ExtraHosts, UserSession.Inside),
            ResolverFile = Resolvers(feature, hasWayOut, names, local),
            NetworkForbids = hasWayOut ? UserRules.ForbiddenIn(spec) : [],
            Sysctls = hasWayOut && !spec.Sysctls.Any(static setting => setting.Key == PingGroups) ? spec.Sysctls.Add(new(PingGroups, engine.HasManyIds ? "0 65535" : "0 0")) : spec.Sysctls,
        };
        _sessions[container.Id] = session;
        return new PreparedFeature(prepared, session);
    }

    /// <summary>From now on the containers are kept from addresses that the host gets, too. The engine has its reactor.</summary>
    public void WatchAddresses()
    {
        lock (_gate)
        {
            if (_addresses.Count > 0 || _isDisposed)
            {
                return;
            }

            foreach (var group in (int[])[NetlinkEvents.AddressGroup, NetlinkEvents.Address6Group])
            {
                _addresses.Add(new NetlinkEvents(engine.Reactor, NetlinkEvents.OpenSocket(NetlinkFamily.Route, group), () => _ = Task.Run(Follow)));
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _addresses.ForEach(static events => events.Dispose());
        }
    }

    public void Forget(UserSession session) => _sessions.TryRemove(new(session.Container.Id, session));

    private void Follow()
    {
        foreach (var session in _sessions.Values)
        {
            try
            {
                session.FollowHost();
            }
            catch (NetworkException fault)
            {
                engine.Logger.NetworkFault(fault);
            }
        }
    }

    private static HashSet<IPAddress> LocalAddresses()
    {
        using var host = RouteClient.Open();
        return [.. host.Addresses.List().Select(static address => address.Address)];
    }

    /// <summary>The address for queries, where a resolver of the host's is on the host; of the family of the first one, which pasta asks.</summary>
    private IPAddress? Forwarded(HashSet<IPAddress> local) => Array.Find([.. _resolvers.Current.Servers], server => IsLocal(server.Address, local)) is null
        ? null
        : _resolvers.Current.Servers.Any(static server => server.AddressFamily == AddressFamily.InterNetwork) ? Names : Names6;

    private string Resolvers(NetworkFeature feature, bool hasWayOut, IPAddress? names, HashSet<IPAddress> local)
    {
        if (!hasWayOut || !feature.NameServers.IsEmpty)
        {
            // Its own loopback is where it may have a server itself.
            return feature.NameServers.FirstOrDefault(server => !IPAddress.IsLoopback(server) && local.Contains(server)) is { } hosts
                ? throw new NetworkException("have the container ask the name server", hosts.ToString(), "It is an address of the host, and containers of an ordinary user do not reach the host. Leave WithDns out: they ask the host's resolver then.")
                : ResolverFile.Compose(feature.NameServers, feature.SearchDomains, []);
        }

        var own = _resolvers.Current;
        return ResolverFile.Compose(
            names is null ? own.Servers.Select(static server => server.Address) : [names],
            feature.SearchDomains.IsEmpty ? own.Search : feature.SearchDomains, own.Options);
    }

    /// <summary>The container cannot ask it itself.</summary>
    private static bool IsLocal(IPAddress address, HashSet<IPAddress> local) => IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || local.Contains(address);
}
