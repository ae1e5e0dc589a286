using System.Net;
using System.Net.NetworkInformation;
using Containers.Netlink;

namespace Containers.Rtnetlink;

/// <summary>An interface to make; the derived records say of which kind.</summary>
internal abstract record LinkSpec(string Name)
{
    public int? Mtu { get; init; }

    public PhysicalAddress? HardwareAddress { get; init; }

    /// <summary>The index of the bridge it is to be a port of.</summary>
    public int? Master { get; init; }

    /// <summary>Where it is to be; null: where the socket is.</summary>
    public NetworkNamespace? Namespace { get; init; }

    public bool Up { get; init; }

    /// <summary>The kernel's word for the kind, which is also the name of its module.</summary>
    public abstract string Kind { get; }

    /// <summary>Writes header and attributes, without a message's header: a veth has those of its peer inside its own.</summary>
    public void Write(MessageWriter writer)
    {
        writer.Put(LinkAttribute.Name, InterfaceName.Check(Name));
        if (Mtu is { } mtu)
        {
            writer.Put(LinkAttribute.Mtu, mtu);
        }

        if (HardwareAddress is { } address)
        {
            writer.Put(LinkAttribute.Address, address);
        }

        if (Master is { } master)
        {
            writer.Put(LinkAttribute.Master, master);
        }

        if (Namespace is { } space)
        {
            writer.Put(LinkAttribute.NamespaceDescriptor, space.Descriptor.Number);
        }

        var information = writer.BeginNested(LinkAttribute.LinkInformation);
        writer.Put(LinkInformation.Kind, Kind);
        var data = writer.BeginNested(LinkInformation.Data);
        WriteData(writer);
        writer.EndNested(data);
        writer.EndNested(information);
    }

    protected virtual void WriteData(MessageWriter writer)
    {
    }
}

/// <summary>An interface that goes nowhere. Each can have addresses of its own, which stay when others go.</summary>
internal sealed record DummyLink(string Name) : LinkSpec(Name)
{
    public override string Kind => "dummy";
}

/// <summary>An intermediate functional block: what comes in elsewhere can be led through it to be queued.</summary>
internal sealed record IfbLink(string Name) : LinkSpec(Name)
{
    public override string Kind => "ifb";
}

/// <summary>A cable between two interfaces, which may be in different namespaces from the start. The second is started afterwards.</summary>
internal sealed record VethLink(string Name, VethLink? Peer = null) : LinkSpec(Name)
{
    public override string Kind => "veth";

    protected override void WriteData(MessageWriter writer)
    {
        if (Peer is null)
        {
            return;
        }

        if (Peer.Up)
        {
            // The kernel makes the peer first, and would start it while it has no other end (ENOTCONN).
            throw new NetworkException("create the veth interface", Peer.Name, "The second end cannot be started by the step that makes it; start it in its namespace afterwards.");
        }

        var peer = writer.BeginNested(VethAttribute.Peer);
        writer.PutRaw(new LinkHeader());
        Peer.Write(writer);
        writer.EndNested(peer);
    }
}

/// <summary>A bridge.</summary>
internal sealed record BridgeLink(string Name) : LinkSpec(Name)
{
    /// <summary>The spanning tree protocol; off, a new port forwards at once.</summary>
    public bool SpanningTree { get; init; }

    public bool VlanFiltering { get; init; }

    /// <summary>Null: as the kernel does by itself, which is on.</summary>
    public bool? MulticastSnooping { get; init; }

    /// <summary>Which of the addresses 01:80:c2:00:00:0X it forwards, a bit each; spanning tree, pause frames and LACP never.</summary>
    public ushort GroupForwardMask { get; init; }

    public override string Kind => "bridge";

    protected override void WriteData(MessageWriter writer)
    {
        writer.Put(BridgeAttribute.SpanningTree, SpanningTree ? 1u : 0u);
        if (VlanFiltering)
        {
            // Off is what a bridge begins with, and a kernel without VLANs on bridges refuses to be told so.
            writer.PutBoolean(BridgeAttribute.VlanFiltering, VlanFiltering);
        }

        if (MulticastSnooping is { } snooping)
        {
            writer.PutBoolean(BridgeAttribute.MulticastSnooping, snooping);
        }

        if (GroupForwardMask != 0)
        {
            writer.Put(BridgeAttribute.GroupForwardMask, GroupForwardMask);
        }
    }
}

/// <summary>A bridge's port to the same network on other hosts, over UDP.</summary>
internal sealed record VxlanLink(string Name, uint NetworkId) : LinkSpec(Name)
{
    /// <summary>The port that IANA gave to it; the kernel's own default is an older one.</summary>
    public ushort Port { get; init; } = 4789;

    /// <summary>The host's address it sends from.</summary>
    public IPAddress? Local { get; init; }

    /// <summary>Where to send what no forwarding entry is for: a multicast group or one host.</summary>
    public IPAddress? Group { get; init; }

    /// <summary>The interface it sends by.</summary>
    public int? Device { get; init; }

    /// <summary>Whether to learn from what comes in which host has an address. Off, where entries are written for each.</summary>
    public bool Learning { get; init; }

    public override string Kind => "vxlan";

    protected override void WriteData(MessageWriter writer)
    {
        writer.Put(VxlanAttribute.Id, NetworkId);
        writer.PutNetwork(VxlanAttribute.Port, Port);
        writer.PutBoolean(VxlanAttribute.Learning, Learning);
        if (Device is { } device)
        {
            writer.Put(VxlanAttribute.Link, device);
        }

        if (Local is { } local)
        {
            writer.Put(RouteFamily.Of(local) == RouteFamily.InterNetwork ? VxlanAttribute.Local : VxlanAttribute.Local6, local);
        }

        if (Group is { } group)
        {
            writer.Put(RouteFamily.Of(group) == RouteFamily.InterNetwork ? VxlanAttribute.Group : VxlanAttribute.Group6, group);
        }
    }
}
