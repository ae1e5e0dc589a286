using Containers.Interop;
using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>The queues of the interfaces of a namespace.</summary>
internal sealed class QdiscTable(NetlinkSocket socket)
{
    /// <exception cref="NetworkException">EEXIST: there is one in this place. ENOENT: this kernel has none of this kind.</exception>
    public void Add(int index, QdiscSpec spec) => Write(index, spec, NetlinkFlags.Create | NetlinkFlags.Exclusive, "add");

    public void Replace(int index, QdiscSpec spec) => Write(index, spec, NetlinkFlags.Create | NetlinkFlags.Replace, "replace");

    /// <summary>Takes away what is in this place; the kernel puts its default there.</summary>
    public void Delete(int index, uint parent = QdiscSpec.Root, uint handle = 0)
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.DeleteQdisc, NetlinkFlags.Acknowledge, new QdiscHeader { Index = index, Parent = parent, Handle = handle });
        socket.Execute(writer, new RequestContext("delete the queue of", $"the interface with index {index}"));
    }

    public void DeleteClass(int index, uint handle)
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.DeleteClass, NetlinkFlags.Acknowledge, new QdiscHeader { Index = index, Handle = handle });
        socket.Execute(writer, new RequestContext("delete the class of", $"the interface with index {index}"));
    }

    public List<Qdisc> List(int index) => List(RouteMessageType.GetQdisc, RouteMessageType.NewQdisc, index, "list the queues");

    public List<Qdisc> ListClasses(int index) => List(RouteMessageType.GetClass, RouteMessageType.NewClass, index, "list the classes");

    private List<Qdisc> List(ushort request, ushort reply, int index, string step)
    {
        using var writer = new MessageWriter();
        writer.Begin(request, NetlinkFlags.Dump, new QdiscHeader { Index = index });
        var all = socket.Dump(writer, new RequestContext(step, $"of the interface with index {index}"), message => message.Type == reply ? Qdisc.Parse(message) : null);

        // A dump of queues is of all interfaces, whatever the request says.
        all.RemoveAll(qdisc => qdisc.Index != index);
        return all;
    }

    private void Write(int index, QdiscSpec spec, NetlinkFlags flags, string verb)
    {
        using var writer = new MessageWriter();
        var isClass = spec is HtbClass;
        writer.Begin(isClass ? RouteMessageType.NewClass : RouteMessageType.NewQdisc, flags | NetlinkFlags.Acknowledge, new QdiscHeader { Index = index, Parent = spec.Parent, Handle = spec.Handle });
        writer.Put(QdiscAttribute.Kind, spec.Kind);
        var options = writer.BeginNested(QdiscAttribute.Options, marked: false);
        spec.WriteOptions(writer);
        writer.EndNested(options);
        socket.Execute(writer, new RequestContext($"{verb} the {spec.Kind} {(isClass ? "class" : "queue")} of", $"the interface with index {index}", static type => Enum.GetName((QdiscAttribute)type), errno =>
            errno == Errno.ENOENT ? $"This kernel has no such queue, or nothing there to hang it below: load the module sch_{spec.Kind} (CONFIG_NET_SCH_{spec.Kind.ToUpperInvariant()})." : null));
    }
}
