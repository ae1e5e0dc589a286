using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Containers.Egress;
using Containers.Netlink;
using Containers.Nftables;
using Containers.Rtnetlink;

namespace Containers.Tests.Egress;

/// <summary>A host with a bridge, two machines at it as containers are, and one outside, with the guard's table at the bridge's ports.</summary>
internal sealed class EgressLab : IDisposable
{
    public static readonly IPAddress Gateway = IPAddress.Parse("10.9.0.1");
    public static readonly IPAddress Gateway6 = IPAddress.Parse("fd00:9::1");
    public static readonly IPAddress Outside = IPAddress.Parse("198.51.100.1");
    public static readonly IPAddress Outside6 = IPAddress.Parse("2001:db8::1");
    public static readonly IPNetwork[] Subnets = [IPNetwork.Parse("10.9.0.0/24"), IPNetwork.Parse("fd00:9::/64")];

    private readonly List<IDisposable> _opened = [];

    public EgressLab()
    {
        Host = Open();
        Away = Open();
        Nft = NftablesClient.Open(Host.Namespace);
        _opened.Add(Nft);
        Host.Namespace.Run(static () =>
        {
            File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1");
            File.WriteAllText("/proc/sys/net/ipv6/conf/all/forwarding", "1");
            return true;
        });
        Host.Route.Links.SetUp(Host.Route.Links.Get("lo").Index);
        Host.Route.Links.Create(new BridgeLink("br0") { Up = true });
        Bridge = Host.Route.Links.Get("br0").Index;
        Add(Host, Bridge, Gateway, 24);
        Add(Host, Bridge, Gateway6, 64);

        Host.Route.Links.Create(new VethLink("up0", new VethLink("eth0") { Namespace = Away.Namespace }) { Up = true });
        Add(Host, Host.Route.Links.Get("up0").Index, IPAddress.Parse("198.51.100.254"), 24);
        Add(Host, Host.Route.Links.Get("up0").Index, IPAddress.Parse("2001:db8::fe"), 64);
        var away = Away.Route.Links.Get("eth0").Index;
        Away.Route.Links.SetUp(away);
        Add(Away, away, Outside, 24);
        Add(Away, away, IPAddress.Parse("198.51.100.2"), 24);
        Add(Away, away, Outside6, 64);
        Away.Run("ip", "route", "add", "10.9.0.0/24", "via", "198.51.100.254");
        Away.Run("ip", "-6", "route", "add", "fd00:9::/64", "via", "2001:db8::fe");
        A = Join("cv-a", 2);
        B = Join("cv-b", 3);
        Nft.Commit(batch =>
        {
            Guard.Declare(batch);
            Guard.ChangeSubnets(batch, adding: true, Subnets);
        });
    }

    public GuardTable Guard { get; } = new("containers-01234567", owned: true);

    public TestNamespace Host { get; }

    public TestNamespace Away { get; }

    public Machine A { get; }

    public Machine B { get; }

    public NftablesClient Nft { get; }

    public int Bridge { get; }

    /// <summary>Gives machine A a policy.</summary>
    public EgressSession Guarded(EgressPolicy policy)
    {
        var session = new EgressSession(Nft, new EgressChains(Guard, "a", policy, Guard.CanReject(Nft)));
        Nft.Commit(batch =>
        {
            session.Add(batch, Subnets);
            session.AddPort(batch, A.Port);
        });
        session.Keep(A.Port);
        return session;
    }

    public static void Add(TestNamespace space, int index, IPAddress address, int prefix) =>
        space.Route.Addresses.Add(new InterfaceAddress(index, address, prefix) { Flags = AddressFlags.NoDuplicateDetection });

    /// <summary>A listener that answers each connection with one byte, until the lab is gone.</summary>
    public void Serve(NetworkNamespace space, IPAddress address, int port)
    {
        var listener = space.Run(() =>
        {
            var made = new TcpListener(address, port);
            made.Start();
            return made;
        });
        _opened.Add(listener);
        _ = Task.Run(async () =>
        {
            while (true)
            {
                try
                {
                    using var client = await listener.AcceptSocketAsync();
                    await client.SendAsync(new byte[] { 42 });
                }
                catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
                {
                    return;
                }
            }
        });
    }

    /// <summary>A datagram socket that answers each datagram with itself.</summary>
    public void Echo(NetworkNamespace space, IPAddress address, int port)
    {
        var socket = Datagrams(space, new IPEndPoint(address, port));
        _ = Task.Run(async () =>
        {
            var buffer = new byte[2000];
            while (true)
            {
                try
                {
                    var received = await socket.ReceiveFromAsync(buffer, new IPEndPoint(address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
                    await socket.SendToAsync(buffer.AsMemory(0, received.ReceivedBytes), received.RemoteEndPoint);
                }
                catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
                {
                    return;
                }
            }
        });
    }

    public Socket Datagrams(NetworkNamespace space, IPEndPoint local)
    {
        var socket = space.Run(() =>
        {
            var made = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 3000 };
            made.Bind(local);
            return made;
        });
        _opened.Add(socket);
        return socket;
    }

    /// <summary>Connects from inside: the socket's error, and how long it took.</summary>
    public static (SocketError Error, TimeSpan Time) Connect(NetworkNamespace space, IPAddress address, int port)
    {
        var started = TimeProvider.System.GetTimestamp();
        using var socket = space.Run(() => new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 3000 });
        try
        {
            if (!socket.ConnectAsync(address, port).Wait(TimeSpan.FromSeconds(3)))
            {
                return (SocketError.TimedOut, TimeProvider.System.GetElapsedTime(started));
            }

            var answer = new byte[1];
            return (socket.Receive(answer) == 1 ? SocketError.Success : SocketError.ConnectionReset, TimeProvider.System.GetElapsedTime(started));
        }
        catch (Exception failed) when (failed is SocketException or AggregateException { InnerException: SocketException })
        {
            return ((failed as SocketException ?? (SocketException)failed.InnerException!).SocketErrorCode, TimeProvider.System.GetElapsedTime(started));
        }
    }

    public static void Reached(NetworkNamespace space, IPAddress address, int port) => Assert.Equal(SocketError.Success, Connect(space, address, port).Error);

    public static void Refused(NetworkNamespace space, IPAddress address, int port)
    {
        var (error, time) = Connect(space, address, port);
        Assert.Equal(SocketError.ConnectionRefused, error);
        Assert.True(time < TimeSpan.FromSeconds(1), $"refused after {time}");
    }

    public void Dispose()
    {
        for (var i = _opened.Count - 1; i >= 0; i--)
        {
            _opened[i].Dispose();
        }
    }

    private TestNamespace Open()
    {
        var made = TestNamespace.Create();
        _opened.Add(made);
        return made;
    }

    private Machine Join(string device, int number)
    {
        var space = Open();
        var hardware = new PhysicalAddress([0x02, 0, 0, 0, 0, (byte)number]);
        Host.Route.Links.Create(new VethLink(device, new VethLink("eth0") { Namespace = space.Namespace, HardwareAddress = hardware }) { Up = true, Master = Bridge });
        space.Route.Links.SetUp(space.Route.Links.Get("lo").Index);
        var eth0 = space.Route.Links.Get("eth0").Index;
        var (address, address6) = (new IPAddress([10, 9, 0, (byte)number]), IPAddress.Parse($"fd00:9::{number}"));
        Add(space, eth0, address, 24);
        Add(space, eth0, address6, 64);
        space.Route.Links.SetUp(eth0);
        space.Run("ip", "route", "add", "default", "via", Gateway.ToString());
        space.Run("ip", "-6", "route", "add", "default", "via", Gateway6.ToString());
        return new Machine(space, address, address6, new GuardedPort(device, hardware, [address, address6]) { NameServers = [Gateway, Gateway6] });
    }

    /// <summary>One at the bridge.</summary>
    internal sealed record Machine(TestNamespace Space, IPAddress Address, IPAddress Address6, GuardedPort Port)
    {
        public NetworkNamespace Namespace => Space.Namespace;
    }
}
