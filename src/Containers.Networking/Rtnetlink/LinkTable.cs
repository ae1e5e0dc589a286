using System.Net.NetworkInformation;
using Containers.Interop;
using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>The interfaces of a namespace.</summary>
internal sealed class LinkTable(NetlinkSocket socket)
{
    /// <summary>Makes an interface (for a veth: both ends), with all its settings in one step, or not at all.</summary>
    /// <exception cref="NetworkException">EEXIST: the name is taken. EOPNOTSUPP: this kernel has no such kind.</exception>
    public void Create(LinkSpec spec)
    {
        using var writer = new MessageWriter();
        var flags = spec.Up ? LinkFlags.Up : LinkFlags.None;
        writer.Begin(RouteMessageType.NewLink, NetlinkFlags.Acknowledge | NetlinkFlags.Create | NetlinkFlags.Exclusive, new LinkHeader { Flags = flags, Change = flags });
        spec.Write(writer);
        Execute(writer, $"create the {spec.Kind} interface", spec.Name, errno => errno switch
        {
            Errno.EOPNOTSUPP => $"This kernel has no interfaces of this kind: load the module {spec.Kind} (CONFIG_{spec.Kind.ToUpperInvariant()}).",
            Errno.EEXIST => spec is VethLink { Peer: { } peer } ? $"An interface has this name, or {peer.Name} is taken on the other side." : "An interface has this name.",
            _ => null,
        });
    }

    /// <summary>The interface of this name; null where there is none.</summary>
    public Link? Find(string name) => Find(name, new LinkHeader(), writer => writer.Put(LinkAttribute.Name, InterfaceName.Check(name)));

    /// <summary>The interface with this number; null where there is none.</summary>
    public Link? Find(int index) => Find($"with index {index}", new LinkHeader { Index = index }, static _ => { });

    /// <summary>The interface of this name.</summary>
    /// <exception cref="NetworkException">There is none.</exception>
    public Link Get(string name) => Find(name) ?? throw new NetworkException("find the interface", name, Errno.ENODEV);

    /// <summary>All of them, in one list; <paramref name="master"/>: the ports of that bridge.</summary>
    public List<Link> List(int? master = null)
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.GetLink, NetlinkFlags.Dump, new LinkHeader());
        if (master is { } index)
        {
            writer.Put(LinkAttribute.Master, index);
        }

        return socket.Dump(writer, Context("list the interfaces", null), static message => message.Type == RouteMessageType.NewLink ? Link.Parse(message) : null);
    }

    public void SetUp(int index) => SetFlags(index, LinkFlags.Up, "start the interface");

    public void SetDown(int index) => SetFlags(index, LinkFlags.None, "stop the interface");

    /// <summary>Gives it another name. Since Linux 6.2 also while it is up.</summary>
    public void Rename(int index, string name) => Set(index, "rename the interface", writer => writer.Put(LinkAttribute.Name, InterfaceName.Check(name)));

    public void SetHardwareAddress(int index, PhysicalAddress address) => Set(index, "set the hardware address of the interface", writer => writer.Put(LinkAttribute.Address, address));

    public void SetMtu(int index, int mtu) => Set(index, "set the MTU of the interface", writer => writer.Put(LinkAttribute.Mtu, mtu));

    /// <summary>Makes it a port of a bridge; null: of none.</summary>
    public void SetMaster(int index, int? master) => Set(index, "connect to a bridge the interface", writer => writer.Put(LinkAttribute.Master, master ?? 0));

    public void SetAlias(int index, string alias) => Set(index, "set the alias of the interface", writer => writer.Put(LinkAttribute.Alias, System.Text.Encoding.UTF8.GetBytes(alias)));

    /// <summary>Moves it. Its addresses and routes stay behind and are gone.</summary>
    public void Move(int index, NetworkNamespace space, string? newName = null) => Set(index, "move to another namespace the interface", writer =>
    {
        writer.Put(LinkAttribute.NamespaceDescriptor, space.Descriptor.Number);
        if (newName is not null)
        {
            writer.Put(LinkAttribute.Name, InterfaceName.Check(newName));
        }
    });

    /// <summary>Sets what a bridge does with a port of it.</summary>
    public void SetPort(int index, BridgePort port)
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.SetLink, NetlinkFlags.Acknowledge, new LinkHeader { Family = RouteFamily.Bridge, Index = index });
        var settings = writer.BeginNested(LinkAttribute.ProtocolInformation);
        port.Write(writer);
        writer.EndNested(settings);
        Execute(writer, "set the bridge port", Indexed(index));
    }

    /// <summary>Deletes it, with its addresses, routes and, for a veth, its peer.</summary>
    public void Delete(int index)
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.DeleteLink, NetlinkFlags.Acknowledge, new LinkHeader { Index = index });
        Execute(writer, "delete the interface", Indexed(index));
    }

    /// <summary>By its number, as the name may be another one's by now. False: there is none.</summary>
    public bool TryDelete(int index)
    {
        try
        {
            Delete(index);
            return true;
        }
        catch (NetworkException exception) when (exception.ErrorNumber == (int)Errno.ENODEV)
        {
            return false;
        }
    }

    /// <summary>Deletes the interface of this name. False: there is none.</summary>
    public bool TryDelete(string name)
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.DeleteLink, NetlinkFlags.Acknowledge, new LinkHeader());
        writer.Put(LinkAttribute.Name, InterfaceName.Check(name));
        try
        {
            Execute(writer, "delete the interface", name);
            return true;
        }
        catch (NetworkException exception) when (exception.ErrorNumber == (int)Errno.ENODEV)
        {
            return false;
        }
    }

    private Link? Find(string subject, LinkHeader header, Action<MessageWriter> select)
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.GetLink, NetlinkFlags.Acknowledge, header);
        select(writer);
        try
        {
            return socket.Get(writer, Context("find the interface", subject), Link.Parse);
        }
        catch (NetworkException exception) when (exception.ErrorNumber == (int)Errno.ENODEV)
        {
            return null;
        }
    }

    private void SetFlags(int index, LinkFlags flags, string step)
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.NewLink, NetlinkFlags.Acknowledge, new LinkHeader { Index = index, Flags = flags, Change = LinkFlags.Up });
        Execute(writer, step, Indexed(index));
    }

    private void Set(int index, string step, Action<MessageWriter> attributes)
    {
        using var writer = new MessageWriter();
        writer.Begin(RouteMessageType.NewLink, NetlinkFlags.Acknowledge, new LinkHeader { Index = index });
        attributes(writer);
        Execute(writer, step, Indexed(index));
    }

    private void Execute(MessageWriter writer, string step, string subject, Func<Errno, string?>? remedy = null) =>
        socket.Execute(writer, Context(step, subject) with { Remedy = remedy });

    private static RequestContext Context(string step, string? subject) => new(step, subject, static type => Enum.GetName((LinkAttribute)type));

    private static string Indexed(int index) => $"with index {index}";
}
