using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>
/// Interfaces, addresses, routes, neighbours and queues of one network namespace (rtnetlink(7)), over one socket. For use from any
/// thread; a request blocks as <see cref="NetlinkSocket"/> says.
/// </summary>
internal sealed class RouteClient(NetlinkSocket socket) : IDisposable
{
    public LinkTable Links { get; } = new(socket);

    public AddressTable Addresses { get; } = new(socket);

    public RouteTable Routes { get; } = new(socket);

    public NeighbourTable Neighbours { get; } = new(socket);

    public QdiscTable Qdiscs { get; } = new(socket);

    public NamespaceIds NamespaceIds { get; } = new(socket);

    /// <summary>For the namespace that the calling thread is in: the host's.</summary>
    public static RouteClient Open() => new(NetlinkSocket.Open(NetlinkFamily.Route));

    /// <summary>The same, for some requests alone, none of which lists.</summary>
    public static RouteClient OpenBriefly() => new(NetlinkSocket.Open(NetlinkFamily.Route, brief: true));

    /// <summary>For another namespace.</summary>
    public static RouteClient Open(NetworkNamespace space) => new(space.Open(NetlinkFamily.Route));

    public void Dispose() => socket.Dispose();
}
