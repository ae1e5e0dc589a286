using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>The numbers that a namespace has for others: what it shows as the place of a veth's other end.</summary>
internal sealed class NamespaceIds(NetlinkSocket socket)
{
    private const int NotAssigned = -1;

    /// <summary>The number of a namespace; null where it has none, as nothing here was ever connected to it.</summary>
    public int? Find(NetworkNamespace space)
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.GetNamespaceId, NetlinkFlags.Acknowledge, new GeneralHeader());
        writer.Put(NamespaceAttribute.Descriptor, space.Descriptor.Number);
        var found = socket.Get(writer, new RequestContext("find the id of a network namespace", null), static message =>
        {
            var id = NotAssigned;
            foreach (var attribute in message.AttributesAfter<GeneralHeader>())
            {
                id = (NamespaceAttribute)attribute.Type == NamespaceAttribute.Id ? attribute.Int32 : id;
            }

            return new Found(id);
        });
        return found is { Id: not NotAssigned } ? found.Id : null;
    }

    private sealed record Found(int Id);
}
