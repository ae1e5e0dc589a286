using Containers.Interop;
using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>The addresses of the interfaces of a namespace.</summary>
internal sealed class AddressTable(NetlinkSocket socket)
{
    /// <exception cref="NetworkException">EEXIST: the interface has it already.</exception>
    public void Add(InterfaceAddress address)
    {
        using var writer = new MessageWriter();
        Write(writer, RouteMessageType.NewAddress, NetlinkFlags.Acknowledge | NetlinkFlags.Create | NetlinkFlags.Exclusive, address);
        if (address.Broadcast is { } broadcast)
        {
            writer.Put(AddressAttribute.Broadcast, broadcast);
        }

        if (address.Label is { } label)
        {
            writer.Put(AddressAttribute.Label, label);
        }

        writer.Put(AddressAttribute.Flags, (uint)address.Flags);
        socket.Execute(writer, Context("add the address", address) with
        {
            Remedy = static errno => errno switch
            {
                Errno.EACCES or Errno.EPERM => "IPv6 may be off for this interface (net/ipv6/conf/NAME/disable_ipv6), or CAP_NET_ADMIN is missing.",
                Errno.ENODEV => "There is no interface with this index.",
                Errno.EEXIST => "The interface has it already.",
                _ => null,
            },
        });
    }

    public void Delete(InterfaceAddress address)
    {
        using var writer = new MessageWriter();
        Write(writer, RouteMessageType.DeleteAddress, NetlinkFlags.Acknowledge, address);
        socket.Execute(writer, Context("delete the address", address));
    }

    /// <summary>Those of one interface, or of all.</summary>
    public List<InterfaceAddress> List(int? index = null)
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.GetAddress, NetlinkFlags.Dump, new AddressHeader { Index = index ?? 0 });
        return socket.Dump(writer, new RequestContext("list the addresses", null), static message => message.Type == RouteMessageType.NewAddress ? InterfaceAddress.Parse(message) : null);
    }

    private static void Write(MessageWriter writer, ushort type, NetlinkFlags flags, InterfaceAddress address)
    {
        writer.Begin(type, flags, new AddressHeader
        {
            Family = RouteFamily.Of(address.Address),
            PrefixLength = (byte)address.PrefixLength,
            Scope = address.Scope,
            Index = address.Index,
        });
        writer.Put(AddressAttribute.Local, address.Address);
        writer.Put(AddressAttribute.Address, address.Address);
    }

    private static RequestContext Context(string step, InterfaceAddress address) =>
        new(step, $"{address.Address}/{address.PrefixLength} of the interface with index {address.Index}", static type => Enum.GetName((AddressAttribute)type));
}
