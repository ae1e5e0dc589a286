using System.Collections.Concurrent;
using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;
using Containers.Firewall;
using Containers.Netlink;
using Containers.Overlay;
using Containers.Rtnetlink;
using Microsoft.Extensions.Logging;

namespace Containers.Networks;

/// <summary>The interface of a bridge with the host's addresses, and its port to other hosts where it has one; made again where somebody takes any of it away.</summary>
internal sealed class HostBridge
{
    private readonly HostSide _host;
    private readonly BridgeNetwork _network;
    private readonly OverlayNetwork? _overlay;
    private readonly BridgeCare _care;
    private readonly PhysicalAddress _mac = RandomMac();
    private readonly ConcurrentDictionary<string, bool> _reflecting = new(StringComparer.Ordinal);
    private int _index;

    public HostBridge(HostSide host, BridgeNetwork network, OverlayNetwork? overlay)
    {
        _host = host;
        _network = network;
        _overlay = overlay;
        _care = new BridgeCare(host.Reactor, network.Name, network.Repair, host.Logger);
    }

    public int Index => Volatile.Read(ref _index);

    private LinkTable Links => _host.Links.Links;

    /// <exception cref="NetworkException">The kernel refuses; what was made is for <see cref="Delete"/>.</exception>
    public void Create()
    {
        var name = _network.Bridge;
        Links.Create(new BridgeLink(name) { Mtu = _network.Mtu, HardwareAddress = _mac, MulticastSnooping = false });
        var index = Links.Get(name).Index;
        Links.SetAlias(index, _host.Alias);
        SixOnLink.Set(name, _network.Subnet6 is not null);

        // Containers must not be told of shorter ways to each other than by the rules.
        KernelSettings.WriteHere(KernelSettings.ForInterface("ipv4", name, "send_redirects"), "0");
        foreach (var address in Addresses(index))
        {
            _host.Links.Addresses.Add(address);
        }

        if (!_reflecting.IsEmpty)
        {
            RouteLoopback();
        }

        Links.SetUp(index);
        Volatile.Write(ref _index, index);
        _host.Watch.Add(index, _care);
        ConnectOverlay(index);
    }

    /// <summary>Makes again what is missing. False: nothing was. One at a time.</summary>
    /// <param name="ports">What belongs at it.</param>
    public bool Repair(IEnumerable<string> ports)
    {
        var index = Index;
        if (Links.Find(index) is not { } link || link.Name != _network.Bridge)
        {
            _host.Logger.BridgeRepaired(_network.Name, _network.Bridge);
            Delete();
            Create();
            foreach (var port in ports)
            {
                if (Links.Find(port) is { } found)
                {
                    Links.SetMaster(found.Index, Index);
                    SetReflection(port, found.Index);
                }
            }

            return true;
        }

        // One that somebody stopped stays so; when it is started again, its IPv6 addresses are missing.
        var isWhole = !link.IsUp || !RestoreAddresses(index);
        if (_overlay?.IsAt(index) == false)
        {
            _host.Logger.OverlayRepaired(_network.Name);
            ConnectOverlay(index);
            isWhole = false;
        }

        return !isWhole;
    }

    /// <summary>
    /// Ports of the host are about to lead to a container. A frame may leave by the port of the bridge that it came from: where the bridge itself
    /// translates addresses (bridge-nf-call-iptables, as hosts with other container engines have it), what a container sends to a published
    /// port of its own never comes to the host otherwise. And what the host sends to 127.0.0.1 may leave by the bridge: <see cref="LoopbackGuard"/>.
    /// </summary>
    public void LeadTo(string port)
    {
        _reflecting[port] = true;
        RouteLoopback();
        SetReflection(port, Links.Get(port).Index);
    }

    /// <summary>A container has left.</summary>
    public void Forget(string port) => _reflecting.TryRemove(port, out _);

    /// <summary>Takes all of it away that is there; whatever name it has by now.</summary>
    public void Delete()
    {
        ForgetOverlay();
        _overlay?.Delete();
        var index = Index;
        _host.Watch.Remove(index);
        if (index != 0)
        {
            _ = Links.TryDelete(index);
        }

        _ = Links.TryDelete(_network.Bridge);
    }

    private void ConnectOverlay(int bridge)
    {
        if (_overlay is not null)
        {
            ForgetOverlay();
            _overlay.Connect(bridge, _network.Mtu);
            _host.Watch.Add(_overlay.Index!.Value, _care);
        }
    }

    private void ForgetOverlay()
    {
        if (_overlay?.Index is { } port)
        {
            _host.Watch.Remove(port);
        }
    }

    private bool RestoreAddresses(int index)
    {
        var present = _host.Links.Addresses.List(index).ConvertAll(static address => address.Address);
        var missing = Addresses(index).Where(address => !present.Contains(address.Address)).ToList();
        if (missing.Count > 0)
        {
            _host.Logger.AddressesRestored(_network.Name, _network.Bridge);
            missing.ForEach(_host.Links.Addresses.Add);
        }

        return missing.Count > 0;
    }

    private IEnumerable<InterfaceAddress> Addresses(int index)
    {
        yield return new InterfaceAddress(index, _network.Gateway4, _network.Subnet4.PrefixLength) { Broadcast = _network.Broadcast4 };
        if (_network.Gateway6 is { } six)
        {
            yield return new InterfaceAddress(index, six, _network.Subnet6!.Value.PrefixLength) { Flags = AddressFlags.NoDuplicateDetection };
        }
    }

    private void RouteLoopback() => KernelSettings.WriteHere(KernelSettings.ForInterface("ipv4", _network.Bridge, "route_localnet"), "1");

    private void SetReflection(string port, int index)
    {
        if (_reflecting.ContainsKey(port))
        {
            Links.SetPort(index, new BridgePort { Hairpin = true });
        }
    }

    /// <summary>Its own, not that of one of its ports: it would change as they come and go, and neighbours would look for the gateway in vain.</summary>
    private static PhysicalAddress RandomMac()
    {
        const byte LocallyAdministered = 0x02;
        const byte OneInterface = 0xFE;
        var bytes = RandomNumberGenerator.GetBytes(6);
        bytes[0] = (byte)((bytes[0] | LocallyAdministered) & OneInterface);
        return new PhysicalAddress(bytes);
    }
}
