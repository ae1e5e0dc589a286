using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using Containers.Addresses;
using Containers.Egress;
using Containers.Names;
using Containers.Netlink;
using Containers.Rtnetlink;

namespace Containers.Networks;

/// <summary>One container on one bridge network: reserved with its addresses, then attached, and left when it is disposed.</summary>
internal sealed class Endpoint : IDisposable
{
    private readonly AddressLease _lease4;
    private readonly AddressLease? _lease6;
    private readonly ContainerNames _names;
    private IDisposable? _registration;
    private int _isDisposed;
    private bool _hasPort;
    private (ulong Received, ulong Sent) _counted;

    internal Endpoint(BridgeNetwork network, Container container, NetworkAttachment attachment, AddressLease lease4, AddressLease? lease6, ContainerNames names)
    {
        Network = network;
        Container = container;
        Aliases = attachment.Aliases;
        _lease4 = lease4;
        _lease6 = lease6;
        _names = names;
        Mac = attachment.Mac ?? MacOf(lease4.Address);
    }

    public BridgeNetwork Network { get; }

    public Container Container { get; }

    /// <summary>Further names; those of the container itself are <see cref="Container.Name"/> and the first 12 digits of its id.</summary>
    public ImmutableArray<string> Aliases { get; }

    /// <summary>All that a resolver could ask for it by; its own name first.</summary>
    public IReadOnlyList<string> Names => [.. new[] { Container.Name, Container.Id[..12] }.OfType<string>().Where(DomainName.IsValid), .. Aliases];

    public IPAddress Address4 => _lease4.Address;

    public IPAddress? Address6 => _lease6?.Address;

    public PhysicalAddress Mac { get; }

    /// <summary>The host's end: the port of the bridge.</summary>
    public string Port { get; } = HostSide.NewPortName();

    /// <summary>The interface inside.</summary>
    public string Interface { get; set; } = "eth0";

    /// <summary>Its interface is there and works: from here on others may be told of it.</summary>
    public bool IsAttached { get; private set; }

    /// <summary>What keeps it to its own addresses, once its port is there.</summary>
    public PortGuard? Guard { get; set; }

    /// <summary>Makes both ends, each where it belongs from the start.</summary>
    public void Connect(NetworkNamespace space)
    {
        _hasPort = true;
        Network.CreatePort(new VethLink(Port, new VethLink(Interface) { Namespace = space, HardwareAddress = Mac, Mtu = Network.Mtu }));
    }

    /// <summary>Sets the inner end up. Runs inside.</summary>
    /// <param name="inside">The container's interfaces.</param>
    /// <param name="isWayOut">The default route goes here.</param>
    /// <param name="shape">The queue before it.</param>
    public void Configure(RouteClient inside, bool isWayOut, NetworkShape shape)
    {
        SixOnLink.Set(Interface, Address6 is not null);
        var link = inside.Links.Get(Interface).Index;
        inside.Addresses.Add(new InterfaceAddress(link, Address4, Network.Subnet4.PrefixLength) { Broadcast = Network.Broadcast4 });
        if (Address6 is { } six)
        {
            inside.Addresses.Add(new InterfaceAddress(link, six, Network.Subnet6!.Value.PrefixLength) { Flags = AddressFlags.NoDuplicateDetection });
        }

        shape.ApplyInside(inside.Qdiscs, link, Network.Mtu);
        inside.Links.SetUp(link);
        if (isWayOut)
        {
            AddWayOut(inside, link);
        }

        _registration = Network.Register(this, _names);
        IsAttached = true;
    }

    public void AddWayOut(RouteClient inside) => AddWayOut(inside, inside.Links.Get(Interface).Index);

    /// <summary>What went through it so far, as the container sees it; after its end what was counted last.</summary>
    public (ulong Received, ulong Sent) Count()
    {
        if (Volatile.Read(ref _isDisposed) == 0 && Network.Statistics(Port) is { } statistics)
        {
            // What the host's end receives is what the container sent.
            _counted = (statistics.SentBytes, statistics.ReceivedBytes);
        }

        return _counted;
    }

    public NetworkEndpointInfo Describe() => new()
    {
        Network = Network.Name,
        ContainerId = Container.Id,
        ContainerName = Container.Name,
        Interface = Interface,
        Address = Address4,
        Address6 = Address6,
        MacAddress = Mac,
        Aliases = Aliases,
    };

    /// <summary>No other is told of it from here on; its addresses are free again once its interface is gone, which this does not wait for.</summary>
    public void Dispose() => _ = LeaveAsync();

    /// <summary>As <see cref="Dispose"/>; completes when the interface is gone.</summary>
    public Task LeaveAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return Task.CompletedTask;
        }

        IsAttached = false;
        _registration?.Dispose();
        return Network.LeaveAsync(this, _hasPort, _lease4, _lease6);
    }

    /// <summary>The first two bytes are Docker's, the rest is the address: who has it next has the same, so no neighbour remembers a wrong one.</summary>
    private static PhysicalAddress MacOf(IPAddress address) => new([0x02, 0x42, .. address.GetAddressBytes()]);

    private void AddWayOut(RouteClient inside, int link)
    {
        // In place of one that the container may have made itself meanwhile.
        inside.Routes.Replace(Route.Default(Network.Gateway4, link));
        if (Network.Gateway6 is { } gateway)
        {
            inside.Routes.Replace(Route.Default(gateway, link));
        }
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Interface} of container {Container.Id[..12]} on network {Network.Name}");
}
