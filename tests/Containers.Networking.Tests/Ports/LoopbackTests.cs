using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Containers.Netlink;
using Containers.Nftables;
using Containers.Rtnetlink;
using Containers.Tests.Networks;

namespace Containers.Tests.Ports;

/// <summary>Published ports at 127.0.0.1, which the kernel translates, and what else is at 127.0.0.1, which containers must not reach by that.</summary>
public class LoopbackTests
{
    private const string Localnet = "route_localnet";

    [Fact]
    [Trait("Category", "Vm")]
    public async Task PortAt127_IsTheKernelsWorkAndNotThisProcesss()
    {
        await using var lab = new NetworkLab();
        await using var web = await lab.StartAsync(Box.Sleeper.WithNetwork("bridge").WithPort(80));
        using var inside = Inside(web);
        await using var server = EchoServer.Start(IPAddress.Any, 80, inside);
        var address = web.Networks[0].Address;

        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, web.GetPort(80), Box.Token);
        Assert.NotEmpty(await EchoServer.ReadLineAsync(client));
        Assert.DoesNotContain(IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections(), connection => connection.RemoteEndPoint.Address.Equals(address));

        // As by ::1 it is.
        using var six = new TcpClient(AddressFamily.InterNetworkV6);
        await six.ConnectAsync(IPAddress.IPv6Loopback, web.GetPort(80), Box.Token);
        Assert.NotEmpty(await EchoServer.ReadLineAsync(six));
        Assert.Contains(IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections(), connection => connection.RemoteEndPoint.Address.Equals(address));
    }

    [Fact]
    public async Task Network_WithoutPublishedPortsDoesNotRouteLoopback()
    {
        await using var lab = new NetworkLab();
        await lab.Networks.CreateAsync("one", cancellationToken: Box.Token);
        await using var quiet = await lab.StartAsync(Box.Sleeper.WithNetwork("one"));
        await using var web = await lab.StartAsync(Box.Sleeper.WithNetwork("bridge").WithPort(80));

        Assert.Equal("0", KernelSettings.ReadHere(KernelSettings.ForInterface("ipv4", await BridgeAsync(lab, "one"), Localnet)));
        Assert.Equal("1", KernelSettings.ReadHere(KernelSettings.ForInterface("ipv4", await BridgeAsync(lab, "bridge"), Localnet)));
    }

    /// <summary>The network may reach services of the host, so that nothing else is in the way; and each of the two guards is there alone.</summary>
    [Theory]
    [Trait("Category", "Vm")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Container_ReachesNothingOfTheHostsLoopbackByCraftedPackets(bool whenTheProcessIsGone)
    {
        await using var lab = new NetworkLab();
        var network = await lab.Networks.CreateAsync("open", new NetworkOptions { AllowHost = true }, Box.Token);
        await using var web = await lab.StartAsync(Box.Sleeper.WithNetwork("open").WithPort(80, hostAddress: IPAddress.Loopback));
        using var inside = Inside(web);
        await using var secret = EchoServer.Start(IPAddress.Loopback);
        await using var spoken = EchoServer.Start(network.Gateway!);
        var address = $"{web.Networks[0].Address}";
        Assert.Equal(address, await Client.HearAsync(inside, spoken.EndPoint));

        // What a container with CAP_NET_ADMIN would do.
        KernelSettings.Write(inside, (KernelSettings.ForInterface("ipv4", "eth0", Localnet), "1"), (KernelSettings.ForInterface("ipv4", "lo", Localnet), "1"));
        using (var links = RouteClient.Open(inside))
        {
            links.Addresses.Delete(new InterfaceAddress(links.Links.Get("lo").Index, IPAddress.Loopback, 8));
            links.Routes.Add(new Route(new IPNetwork(IPAddress.Loopback, 32)) { Gateway = network.Gateway, PreferredSource = web.Networks[0].Address });
        }

        Assert.Null(await Client.AskAsync(inside, secret.EndPoint));
        Assert.Null(await Client.AskAsync(inside, new IPEndPoint(IPAddress.Loopback, web.GetPort(80))));

        var firewall = lab.Networks.Firewall!;
        void RemoveOwned() => firewall.Client.Commit(batch => batch.FlushChain(new Chain(firewall.Table, "raw-prerouting")));
        void RemoveLasting()
        {
            using var somebody = NftablesClient.Open();
            somebody.Commit(batch => batch.DeleteTable(new Table(NftFamily.Ip, firewall.Table.Name)));
        }

        Action first = whenTheProcessIsGone ? RemoveOwned : RemoveLasting;
        first();
        Assert.Null(await Client.AskAsync(inside, secret.EndPoint));

        // It is this that kept it out.
        Action last = whenTheProcessIsGone ? RemoveLasting : RemoveOwned;
        last();
        Assert.Equal(address, await Client.HearAsync(inside, secret.EndPoint));
    }

    private static NetworkNamespace Inside(Container container) => NetworkNamespace.Of(container.ProcessId!.Value);

    private static async Task<string> BridgeAsync(NetworkLab lab, string network) => (await lab.Networks.InspectAsync(network, Box.Token)).Bridge!;
}
