using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Containers.Overlay;
using Containers.Rtnetlink;
using Containers.Tests.Egress;

namespace Containers.Tests.Overlay;

/// <summary>Hosts, each a network namespace with a bridge, on one wire.</summary>
internal sealed class Wire : IDisposable
{
    /// <summary>Of the bridges: what the wire has, less what the tunnel takes.</summary>
    public const int Mtu = 1450;

    private readonly TestNamespace _switch = TestNamespace.Create();

    public Wire(int count)
    {
        _switch.Route.Links.Create(new BridgeLink("wire") { Up = true });
        Hosts = [.. Enumerable.Range(0, count).Select(Add)];
    }

    public ImmutableArray<TestNamespace> Hosts { get; }

    public static IPAddress Outer(int number) => new([192, 0, 2, (byte)(number + 1)]);

    public static IPAddress Outer6(int number) => IPAddress.Parse($"2001:db8:77::{number + 1:x}");

    public static IPAddress Inner(int number) => new([10, 8, 0, (byte)(number + 1)]);

    public static OverlayOptions Options(int id, int host, int[] peers) => new() { NetworkId = id, Local = Outer(host), Peers = [.. peers.Select(Outer)] };

    /// <summary>Hosts that all know each other.</summary>
    public List<OverlayLink> Join(int id, params int[] hosts) => [.. hosts.Select(host => Join(id, host, [.. hosts.Where(other => other != host)]))];

    public OverlayLink Join(int id, int only, int[] peers) => Hosts[only].Namespace.Run(() =>
    {
        var route = Hosts[only].Route;
        return OverlayLink.Create(route, "ov0", "test", route.Links.Get("br0").Index, OverlayLink.MtuOf(1500, Outer(only)), Options(id, only, peers), peers.Select(Outer));
    });

    public Socket Datagrams(int host) => Datagrams(host, new IPEndPoint(Inner(host), 5000));

    public Socket Datagrams(int host, IPEndPoint local) => Hosts[host].Namespace.Run(() =>
    {
        var socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(local);
        return socket;
    });

    public void Dispose()
    {
        foreach (var host in Hosts)
        {
            host.Dispose();
        }

        _switch.Dispose();
    }

    private TestNamespace Add(int number)
    {
        var host = TestNamespace.Create();
        host.Route.Links.SetUp(host.Route.Links.Get("lo").Index);
        _switch.Route.Links.Create(new VethLink($"port{number}", new VethLink("eth0") { Namespace = host.Namespace }) { Up = true, Master = _switch.Route.Links.Get("wire").Index });
        var eth0 = host.Route.Links.Get("eth0").Index;
        EgressLab.Add(host, eth0, Outer(number), 24);
        EgressLab.Add(host, eth0, Outer6(number), 64);
        host.Route.Links.SetUp(eth0);
        host.Route.Links.Create(new BridgeLink("br0") { Up = true, Mtu = Mtu });
        EgressLab.Add(host, host.Route.Links.Get("br0").Index, Inner(number), 24);
        return host;
    }
}
