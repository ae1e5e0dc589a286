using System.Collections.Immutable;
using System.Net;
using Containers.Firewall;
using Containers.Interop;
using Containers.Networks;
using Containers.Nftables;
using Containers.Rtnetlink;

namespace Containers.Overlay;

/// <summary>What this host has of a network across hosts: the port to the others, and the guard before it.</summary>
internal sealed class OverlayNetwork
{
    private readonly HostSide _host;
    private readonly OverlayOptions _options;
    private readonly string _bridge;
    private readonly string _name;
    private OverlayLink? _link;

    private OverlayNetwork(HostSide host, OverlayOptions options, string bridge, int mtu)
    {
        _host = host;
        _options = options;
        _bridge = bridge;
        _name = HostSide.OverlayPrefix + bridge[HostSide.BridgePrefix.Length..];
        Mtu = mtu;
        Peers = [.. options.Peers];
    }

    /// <summary>The largest packet that comes to every peer in one piece.</summary>
    public int Mtu { get; }

    public ImmutableArray<IPAddress> Peers { get; private set; }

    /// <summary>The port's interface; null while it is not made.</summary>
    public int? Index => _link?.Index;

    /// <summary>Looks at the host whether it can be part of the network; makes nothing.</summary>
    /// <param name="host">The host.</param>
    /// <param name="bridge">The bridge's name.</param>
    /// <param name="options">The network.</param>
    /// <exception cref="NetworkException">The address is not the host's.</exception>
    public static OverlayNetwork Prepare(HostSide host, string bridge, OverlayOptions options)
    {
        var own = host.Links.Addresses.List().Find(address => address.Address.Equals(options.Local)) ??
            throw new NetworkException("send from the address", options.Local.ToString(), Errno.EADDRNOTAVAIL, "No interface of this host has it: give one of its own as OverlayOptions.Local.");
        var interfaces = options.Peers.Select(peer => host.Links.Routes.Find(peer)?.Interface).OfType<int>().Append(own.Index).Distinct();
        var between = interfaces.Select(index => host.Links.Links.Find(index)).OfType<Link>().Where(static link => !link.Flags.HasFlag(LinkFlags.Loopback)).Select(static link => link.Mtu);
        const int Ethernet = 1500;
        return new OverlayNetwork(host, options, bridge, OverlayLink.MtuOf(between.DefaultIfEmpty(Ethernet).Min(), options.Local));
    }

    public void AddGuard(NftBatch batch, FirewallTable firewall) => GuardIn(firewall).Add(batch, Peers);

    public void RemoveGuard(NftBatch batch, FirewallTable firewall) => GuardIn(firewall).Remove(firewall.Client, batch);

    /// <summary>Makes the port at a bridge, in place of one that there is.</summary>
    /// <exception cref="NetworkException">It cannot be had.</exception>
    public void Connect(int bridge, int mtu)
    {
        Delete();
        _link = OverlayLink.Create(_host.Links, _name, _host.Alias, bridge, mtu, _options, Peers);
    }

    /// <summary>Whether the port is there, at the bridge.</summary>
    public bool IsAt(int bridge) => _link is { } link && _host.Links.Links.Find(link.Index) is { } found && found.Name == _name && found.Master == bridge;

    /// <summary>Has other peers from now on, or the same as before where it fails.</summary>
    public void SetPeers(FirewallTable firewall, ImmutableArray<IPAddress> peers)
    {
        var come = peers.Except(Peers).ToList();
        var gone = Peers.Except(peers).ToList();
        var guard = GuardIn(firewall);
        firewall.Client.Commit(batch => guard.Change(batch, come, []));
        var added = new List<IPAddress>();
        try
        {
            foreach (var peer in come)
            {
                _link?.AddPeer(peer);
                added.Add(peer);
            }
        }
        catch
        {
            added.ForEach(peer => _link?.RemovePeer(peer));
            firewall.Client.Commit(batch => guard.Change(batch, [], come));
            throw;
        }

        // First the guard: what comes in after that is not learned again.
        Peers = peers;
        firewall.Client.Commit(batch => guard.Change(batch, [], gone));
        gone.ForEach(peer => _link?.RemovePeer(peer));
    }

    public void Delete()
    {
        _ = _host.Links.Links.TryDelete(_name);
        _link = null;
    }

    public NetworkOverlayInfo Describe(FirewallTable? firewall) => new()
    {
        NetworkId = _options.NetworkId,
        Local = _options.Local,
        Peers = Peers,
        Port = _options.Port,
        RefusedPackets = firewall is null ? 0 : GuardIn(firewall).Refused(firewall.Client),
    };

    private OverlayGuard GuardIn(FirewallTable firewall) => new(_options, _bridge, firewall.Overlays);
}
