using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Containers.Rtnetlink;

namespace Containers.Overlay;

/// <summary>
/// A bridge's port to the same network on other hosts: a VXLAN (RFC 7348) whose peers are given, not found. A frame for everybody, or for an
/// address not heard of yet, goes to each peer; where an address is, is learned from what comes from there.
/// </summary>
internal sealed class OverlayLink
{
    /// <summary>Ethernet, VXLAN, UDP and IPv4, or IPv6.</summary>
    private const int Overhead4 = 14 + 8 + 8 + 20;
    private const int Overhead6 = 14 + 8 + 8 + 40;

    /// <summary>The entry for all addresses that no other entry is for.</summary>
    private static readonly PhysicalAddress Unknown = new(new byte[6]);

    private readonly RouteClient _links;
    private readonly int _index;

    private OverlayLink(RouteClient links, int index, string name)
    {
        _links = links;
        _index = index;
        Name = name;
    }

    public string Name { get; }

    /// <summary>The hosts that frames are sent to.</summary>
    public IReadOnlyList<IPAddress> Peers =>
        [.. _links.Neighbours.ListForwarding(_index).Where(static entry => entry.Address is not null && Unknown.Equals(entry.HardwareAddress)).Select(static entry => entry.Address!)];

    /// <summary>The largest packet inside, where the network between the hosts has this one.</summary>
    public static int MtuOf(int between, IPAddress local) => between - (local.AddressFamily == AddressFamily.InterNetwork ? Overhead4 : Overhead6);

    /// <summary>Makes the port with all its peers, or nothing.</summary>
    /// <param name="links">The host's interfaces.</param>
    /// <param name="name">The interface's name.</param>
    /// <param name="bridge">The bridge's index.</param>
    /// <param name="mtu">The bridge's: what the hosts' network has, less what the tunnel takes (<see cref="MtuOf"/>).</param>
    /// <param name="options">The network on all hosts.</param>
    /// <exception cref="NetworkException">The kernel refuses, or has no vxlan; or the peers are wrong.</exception>
    public static OverlayLink Create(RouteClient links, string name, int bridge, int mtu, OverlayOptions options)
    {
        options.Require();
        links.Links.Create(new VxlanLink(name, options.NetworkId) { Port = options.Port, Local = options.Local, Learning = true, Master = bridge, Mtu = mtu });
        try
        {
            var made = new OverlayLink(links, links.Links.Get(name).Index, name);
            foreach (var peer in options.Peers)
            {
                made.AddPeer(peer);
            }

            links.Links.SetUp(made._index);
            return made;
        }
        catch
        {
            links.Links.TryDelete(name);
            throw;
        }
    }

    public void AddPeer(IPAddress peer) => _links.Neighbours.Append(Neighbour.AtHost(_index, Unknown, peer));

    /// <summary>Sends nothing there any more; what was learned of it is forgotten. What it sends is learned again, unless it is taken from the set of <see cref="OverlayOptions.AddGuard"/>.</summary>
    public void RemovePeer(IPAddress peer)
    {
        foreach (var entry in _links.Neighbours.ListForwarding(_index).Where(entry => peer.Equals(entry.Address)))
        {
            _links.Neighbours.Delete(Neighbour.AtHost(_index, entry.HardwareAddress ?? Unknown, peer));
        }
    }

    public void Delete() => _links.Links.TryDelete(Name);
}
