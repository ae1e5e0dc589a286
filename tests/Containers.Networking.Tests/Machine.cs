using System.Net;
using Containers.Rtnetlink;

namespace Containers.Tests;

/// <summary>Another machine, with a cable to the one that the tests play: a network namespace, whose default route leads to the host.</summary>
internal sealed class Machine : IDisposable
{
    private static int _number;
    private readonly TestNamespace _space;
    private readonly TestNamespace? _host;
    private readonly string _cable;

    private Machine(TestNamespace? host, TestNamespace space, string cable, int number)
    {
        _host = host;
        _space = space;
        _cable = cable;
        Address = new IPAddress([198, 18, (byte)number, 2]);
        HostAddress = new IPAddress([198, 18, (byte)number, 1]);
        Address6 = IPAddress.Parse($"2001:db8:{number:x}::2");
        HostAddress6 = IPAddress.Parse($"2001:db8:{number:x}::1");
    }

    public TestNamespace Space => _space;

    public IPAddress Address { get; }

    public IPAddress Address6 { get; }

    /// <summary>The host's address on the cable.</summary>
    public IPAddress HostAddress { get; }

    public IPAddress HostAddress6 { get; }

    /// <summary>The host's end of the cable.</summary>
    public string Cable => _cable;

    /// <param name="at">The host; null: the one that the tests play.</param>
    public static Machine Create(TestNamespace? at = null)
    {
        Assert.SkipUnless(OwnNetwork.IsHere, "only root may make networks of its own");
        var number = Interlocked.Increment(ref _number);
        var machine = new Machine(at, TestNamespace.Create(), $"cable{number}", number);
        using var opened = at is null ? RouteClient.Open() : null;
        var host = at?.Route ?? opened!;
        host.Links.Create(new VethLink(machine._cable, new VethLink("eth0") { Namespace = machine._space.Namespace }));
        var cable = host.Links.Get(machine._cable).Index;
        host.Addresses.Add(new InterfaceAddress(cable, machine.HostAddress, 24));
        host.Addresses.Add(new InterfaceAddress(cable, machine.HostAddress6, 64) { Flags = AddressFlags.NoDuplicateDetection });
        host.Links.SetUp(cable);
        var inside = machine._space.Route;
        var link = inside.Links.Get("eth0").Index;
        inside.Links.SetUp(inside.Links.Get("lo").Index);
        inside.Addresses.Add(new InterfaceAddress(link, machine.Address, 24));
        inside.Addresses.Add(new InterfaceAddress(link, machine.Address6, 64) { Flags = AddressFlags.NoDuplicateDetection });
        inside.Links.SetUp(link);
        inside.Routes.Add(Route.Default(machine.HostAddress, link));
        inside.Routes.Add(Route.Default(machine.HostAddress6, link));
        return machine;
    }

    public string Run(string program, params string[] arguments) => _space.Run(program, arguments);

    public void Dispose()
    {
        using (var host = _host is null ? RouteClient.Open() : null)
        {
            (host ?? _host!.Route).Links.TryDelete(_cable);
        }

        _space.Dispose();
    }
}
