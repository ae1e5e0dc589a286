using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using Containers.Interop;
using Containers.Netlink;
using Containers.Networks;
using Containers.Rtnetlink;

namespace Containers.Overlay;

/// <summary>
/// A bridge's port to the same network on other hosts: a VXLAN whose peers are given, not found. A frame for everybody, or for an address not
/// heard of yet, goes to each peer; where an address is, is learned from what comes from there.
/// </summary>
internal sealed class OverlayLink
{
    /// <summary>Ethernet, VXLAN, UDP and IPv4, or IPv6.</summary>
    private const int Overhead4 = 14 + 8 + 8 + 20;
    private const int Overhead6 = 14 + 8 + 8 + 40;

    /// <summary>The entry for all addresses that no other entry is for.</summary>
    private static readonly PhysicalAddress Unknown = new(new byte[6]);

    private readonly RouteClient _links;

    private OverlayLink(RouteClient links, int index)
    {
        _links = links;
        Index = index;
    }

    public int Index { get; }

    /// <summary>The hosts that frames are sent to.</summary>
    public IReadOnlyList<IPAddress> Peers =>
        [.. _links.Neighbours.ListForwarding(Index).Where(static entry => entry.Address is not null && Unknown.Equals(entry.HardwareAddress)).Select(static entry => entry.Address!)];

    /// <summary>The largest packet inside, where the network between the hosts has this one.</summary>
    public static int MtuOf(int between, IPAddress local) => between - (local.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? Overhead4 : Overhead6);

    /// <summary>Makes the port with all its peers, or nothing.</summary>
    /// <param name="links">The host's interfaces.</param>
    /// <param name="name">The interface's name.</param>
    /// <param name="alias">Whose it is.</param>
    /// <param name="bridge">The bridge's index.</param>
    /// <param name="mtu">The bridge's: what the hosts' network has, less what the tunnel takes (<see cref="MtuOf"/>).</param>
    /// <param name="options">The network.</param>
    /// <param name="peers">The other hosts.</param>
    /// <exception cref="NetworkException">The kernel refuses, or has no vxlan, or something else of this host has the network's id or port.</exception>
    public static OverlayLink Create(RouteClient links, string name, string alias, int bridge, int mtu, OverlayOptions options, IEnumerable<IPAddress> peers)
    {
        try
        {
            links.Links.Create(new VxlanLink(name, (uint)options.NetworkId) { Port = (ushort)options.Port, Local = options.Local, Learning = true, Master = bridge, Mtu = mtu });
        }
        catch (NetworkException taken) when (taken.ErrorNumber == (int)Errno.EEXIST && links.Links.Find(name) is null)
        {
            throw Taken(options, Errno.EEXIST, "Another VXLAN interface of this host has this id and port: take another id, or remove that.");
        }

        try
        {
            var made = new OverlayLink(links, links.Links.Get(name).Index);
            links.Links.SetAlias(made.Index, alias);
            SixOnLink.Set(name, on: false);
            foreach (var peer in peers)
            {
                made.AddPeer(peer);
            }

            links.Links.SetUp(made.Index);
            return made;
        }
        catch (NetworkException taken) when (taken.ErrorNumber == (int)Errno.EADDRINUSE)
        {
            links.Links.TryDelete(name);
            throw Taken(options, Errno.EADDRINUSE, $"Another socket of this host has the UDP port {options.Port}.");
        }
        catch
        {
            links.Links.TryDelete(name);
            throw;
        }
    }

    public void AddPeer(IPAddress peer) => _links.Neighbours.Append(Neighbour.AtHost(Index, Unknown, peer));

    /// <summary>Sends nothing there any more; what was learned of it is forgotten. What it sends is learned again, unless <see cref="OverlayGuard"/> drops it.</summary>
    public void RemovePeer(IPAddress peer)
    {
        foreach (var entry in _links.Neighbours.ListForwarding(Index).Where(entry => peer.Equals(entry.Address)))
        {
            try
            {
                _links.Neighbours.Delete(Neighbour.AtHost(Index, entry.HardwareAddress ?? Unknown, peer));
            }
            catch (NetworkException gone) when (gone.ErrorNumber == (int)Errno.ENOENT)
            {
                // What was learned is forgotten after a while anyway.
            }
        }
    }

    private static NetworkException Taken(OverlayOptions options, Errno errno, string remedy) =>
        new("create the overlay network with the id", options.NetworkId.ToString(CultureInfo.InvariantCulture), errno, remedy);
}
