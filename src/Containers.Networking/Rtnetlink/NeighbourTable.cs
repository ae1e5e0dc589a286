using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>The neighbours of a namespace, and the forwarding entries of its bridges and VXLANs.</summary>
internal sealed class NeighbourTable(NetlinkSocket socket)
{
    /// <exception cref="NetworkException">EEXIST: there is one for this address.</exception>
    public void Add(Neighbour neighbour) => Execute(RouteMessageType.NewNeighbour, NetlinkFlags.Create | NetlinkFlags.Exclusive, "add", neighbour);

    public void Replace(Neighbour neighbour) => Execute(RouteMessageType.NewNeighbour, NetlinkFlags.Create | NetlinkFlags.Replace, "replace", neighbour);

    /// <summary>Adds one more host for the same hardware address of a VXLAN: frames to all zeros go to each.</summary>
    public void Append(Neighbour neighbour) => Execute(RouteMessageType.NewNeighbour, NetlinkFlags.Create | NetlinkFlags.Append, "append", neighbour);

    public void Delete(Neighbour neighbour) => Execute(RouteMessageType.DeleteNeighbour, NetlinkFlags.None, "delete", neighbour);

    /// <summary>The neighbours at one interface, or at all.</summary>
    public List<Neighbour> List(int? index = null) => List(RouteFamily.Any, index, "list the neighbours");

    /// <summary>Forwarding entries of bridges and VXLANs.</summary>
    public List<Neighbour> ListForwarding(int? index = null) => List(RouteFamily.Bridge, index, "list the forwarding entries");

    private List<Neighbour> List(byte family, int? index, string step)
    {
        using var writer = new MessageWriter();

        // Where a filter is in the header for one family, it is an attribute for the other.
        writer.Begin(RouteMessageType.GetNeighbour, NetlinkFlags.Dump, new NeighbourHeader { Family = family, Index = family == RouteFamily.Bridge ? index ?? 0 : 0 });
        if (family != RouteFamily.Bridge && index is { } number)
        {
            writer.Put(NeighbourAttribute.Interface, number);
        }

        return socket.Dump(writer, new RequestContext(step, null), static message => message.Type == RouteMessageType.NewNeighbour ? Neighbour.Parse(message) : null);
    }

    private void Execute(ushort type, NetlinkFlags flags, string verb, Neighbour neighbour)
    {
        using var writer = new MessageWriter();
        writer.Begin(type, flags | NetlinkFlags.Acknowledge, new NeighbourHeader
        {
            Family = neighbour.IsForwarding ? RouteFamily.Bridge : RouteFamily.Of(neighbour.Address!),
            Index = neighbour.Index,
            State = neighbour.State,
            Flags = neighbour.Flags,
        });
        if (neighbour.Address is { } address)
        {
            writer.Put(NeighbourAttribute.Destination, address);
        }

        if (neighbour.HardwareAddress is { } hardware)
        {
            writer.Put(NeighbourAttribute.LinkAddress, hardware);
        }

        if (neighbour.Port is { } port)
        {
            writer.PutNetwork(NeighbourAttribute.Port, port);
        }

        if (neighbour.NetworkId is { } id)
        {
            writer.Put(NeighbourAttribute.NetworkId, id);
        }

        var what = neighbour.IsForwarding ? "forwarding entry" : "neighbour";
        var subject = neighbour.IsForwarding ? neighbour.HardwareAddress?.ToString() : neighbour.Address?.ToString();
        socket.Execute(writer, new RequestContext($"{verb} the {what}", $"{subject} of the interface with index {neighbour.Index}", static attribute => Enum.GetName((NeighbourAttribute)attribute)));
    }
}
