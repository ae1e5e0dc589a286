using Containers.Interop;
using Containers.Netlink;
using Containers.Rtnetlink;

namespace Containers.Tests.Netlink;

public class NetworkNamespaceTests
{
    [Fact]
    public void Socket_BelongsToTheNamespaceItWasOpenedIn_NotToTheThreadThatUsesIt()
    {
        using var container = TestNamespace.Create();
        var before = File.ResolveLinkTarget("/proc/thread-self/ns/net", false)!.Name;
        using var client = RouteClient.Open(container.Namespace);
        Assert.Equal("lo", Assert.Single(client.Links.List()).Name);
        Assert.Equal(before, File.ResolveLinkTarget("/proc/thread-self/ns/net", false)!.Name);
    }

    [Fact]
    public void Socket_ThatSomebodyElseOpenedIsTakenOver()
    {
        using var container = TestNamespace.Create();
        container.Route.Links.Create(new BridgeLink("inside"));
        var passed = container.Namespace.Run(static () => Libc.Socket(Libc.AddressFamilyNetlink, Libc.SocketRaw | Libc.SocketCloseOnExec, (int)NetlinkFamily.Route));
        using var client = new RouteClient(NetlinkSocket.Adopt(passed, NetlinkFamily.Route));
        Assert.NotNull(client.Links.Find("inside"));
    }

    [Fact]
    public void Exception_InsideIsTheCallers()
    {
        using var container = TestNamespace.Create();
        Assert.Throws<FormatException>(() => container.Namespace.Run<int>(static () => throw new FormatException()));
    }

    [Fact]
    public void Namespace_ThatIsNoneIsRefused()
    {
        using var notOne = new NetworkNamespace(Libc.Open("/dev/null", Libc.OpenReadOnly | Libc.OpenCloseOnExec));
        Assert.Contains("enter the network namespace", Assert.Throws<NetworkException>(() => notOne.Open(NetlinkFamily.Route)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void Messages_OfOtherProcessesAreNotTakenForTheKernels()
    {
        using var container = TestNamespace.Create();
        using var victim = container.Namespace.Open(NetlinkFamily.Route);
        using var attacker = container.Namespace.Run(static () => Libc.Socket(Libc.AddressFamilyNetlink, Libc.SocketRaw | Libc.SocketCloseOnExec, (int)NetlinkFamily.Route));
        var address = new Libc.NetlinkAddress { Family = Libc.AddressFamilyNetlink, PortId = victim.PortId };
        var garbage = stackalloc byte[] { 1, 2, 3, 4, 5, 6, 7, 8 };
        var part = new Libc.IoVector { Base = garbage, Length = 8 };
        var header = new Libc.MessageHeader { Name = &address, NameLength = (ulong)sizeof(Libc.NetlinkAddress), Parts = &part, PartCount = 1 };
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(8, Libc.SendMessage(attacker, &header, 0));
        }

        Assert.Single(new LinkTable(victim).List());
    }

    [Fact]
    public async Task Lists_AreWholeWhileOthersChangeWhatTheyList()
    {
        const int Steady = 40;
        using var host = TestNamespace.Create();
        for (var i = 0; i < Steady; i++)
        {
            host.Route.Links.Create(new BridgeLink($"steady{i}"));
        }

        using var stop = new CancellationTokenSource();
        var churn = Task.Run(() =>
        {
            using var other = RouteClient.Open(host.Namespace);
            while (!stop.IsCancellationRequested)
            {
                other.Links.Create(new BridgeLink("churn"));
                other.Links.TryDelete("churn");
            }
        });
        for (var i = 0; i < 300; i++)
        {
            Assert.Equal(Steady, host.Route.Links.List().Where(static link => link.Name.StartsWith("steady", StringComparison.Ordinal)).Select(static link => link.Index).Distinct().Count());
        }

        await stop.CancelAsync();
        await churn;
    }
}
