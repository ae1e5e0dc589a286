using System.Net;
using System.Net.Sockets;
using Containers.Netlink;

namespace Containers.Tests.Networks;

/// <summary>No container fills the host's table of connections.</summary>
public class ConnectionLimitTests
{
    private const string Count = "/proc/sys/net/netfilter/nf_conntrack_count";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Container_ThatOpensTooManyIsStoppedAndNoOtherDisturbed(bool six)
    {
        const int Limit = 50;
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        var target = new IPEndPoint(six ? outside.Address6 : outside.Address, 7000);
        using var listener = outside.Space.Namespace.Run(() =>
        {
            var made = new TcpListener(target);
            made.Start(1000);
            return made;
        });
        var network = await lab.Networks.CreateAsync("limited", new NetworkOptions { IPv6 = true, ConnectionLimit = Limit }, Box.Token);
        Assert.Equal(Limit, network.ConnectionLimit);
        await using var greedy = await lab.StartAsync(Box.Sleeper.WithNetwork("limited"));
        await using var modest = await lab.StartAsync(Box.Sleeper.WithNetwork("limited"));
        using var inside = Inside(greedy);
        var sockets = Enumerable.Range(0, Limit + 30).Select(_ => Open(inside, target)).ToList();
        try
        {
            // One that is refused keeps the place it does not get for a moment, so it may be a few less.
            Assert.InRange(sockets.Count(static socket => socket.Connected), Limit - 5, Limit);
            using var others = Inside(modest);
            using var other = Open(others, target);
            Assert.True(other.Connected);
            var rules = Host.Run("nft", "list", "chain", "inet", lab.Networks.Firewall!.Table.Name, "limit-" + network.Bridge);
            Assert.Contains($"ct count over {Limit}", rules, StringComparison.Ordinal);
            Assert.Matches("counter packets [1-9]", rules);
        }
        finally
        {
            // By a reset, after which the kernel does not count them any more.
            sockets.ForEach(static socket => socket.Dispose());
        }

        await Wait.UntilAsync(() =>
        {
            using var again = Open(inside, target);
            return again.Connected;
        });
    }

    [Fact]
    public async Task Flood_FillsNoMoreOfTheHostsTableThanTheContainersShare()
    {
        const int Flows = 20_000;
        await using var lab = new NetworkLab();
        using var outside = Machine.Create();
        using var service = new TinyServer(outside.Space);
        var network = await lab.Networks.CreateAsync("flooded", cancellationToken: Box.Token);
        Assert.InRange(network.ConnectionLimit!.Value, 1, 8192);
        await using var flooding = await lab.StartAsync(Box.Sleeper.WithNetwork("flooded"));
        await using var calm = await lab.StartAsync(Box.Sleeper.WithNetwork("flooded"));
        var before = int.Parse(await File.ReadAllTextAsync(Count, Box.Token), System.Globalization.CultureInfo.InvariantCulture);
        using (var inside = Inside(flooding))
        using (var socket = inside.Run(static () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)))
        {
            for (var port = 1; port <= Flows; port++)
            {
                socket.SendTo([1], new IPEndPoint(outside.Address, port));
            }
        }

        // Other tests have a few connections at the same time.
        const int Others = 200;
        var after = int.Parse(await File.ReadAllTextAsync(Count, Box.Token), System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(after - before, network.ConnectionLimit.Value / 2, network.ConnectionLimit.Value + Others);
        Assert.StartsWith(TinyServer.Answer, await Box.InAsync(calm, service.GetFrom(outside.Address)), StringComparison.Ordinal);
        Assert.False(await Box.SucceedsInAsync(flooding, service.GetFrom(outside.Address)));
    }

    [Fact]
    public async Task Limit_OfNothingIsRefused()
    {
        await using var lab = new NetworkLab();
        await Assert.ThrowsAsync<ArgumentException>("options", () => lab.Networks.CreateAsync("none", new NetworkOptions { ConnectionLimit = 0 }, Box.Token));
    }

    private static NetworkNamespace Inside(Container container) => new(Interop.Libc.Duplicate(container.NamespaceOf(NamespaceKind.Network), Interop.Libc.FcntlDuplicateCloseOnExec, 0));

    private static Socket Open(NetworkNamespace space, IPEndPoint target)
    {
        var socket = space.Run(() => new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) });
        try
        {
            socket.Connect(target);
        }
        catch (SocketException)
        {
            // Refused: it is not connected.
        }

        return socket;
    }
}
