using Containers.Netlink;
using Containers.Nftables;
using Containers.Processes;
using Containers.Rtnetlink;

namespace Containers.Tests.Netlink;

public class NetlinkEventsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Change_OfRulesByAnotherIsHeard()
    {
        using var host = TestNamespace.Create();
        using var nft = NftablesClient.Open(host.Namespace);
        nft.Commit(static batch => batch.AddTable(new Table(NftFamily.Inet, "t")));
        using var reactor = new Reactor(static fault => throw fault);
        using var heard = new SemaphoreSlim(0);
        using var events = new NetlinkEvents(reactor, NetlinkEvents.OpenSocket(host.Namespace, NetlinkFamily.Netfilter, NetlinkEvents.NftablesGroup), () => heard.Release());

        Assert.False(await heard.WaitAsync(TimeSpan.FromMilliseconds(100)));
        nft.Commit(static batch => batch.DeleteTable(new Table(NftFamily.Inet, "t")));
        Assert.True(await heard.WaitAsync(Patience));
    }

    [Fact]
    public async Task Change_OfOtherInterfacesIsNotHeard()
    {
        using var host = TestNamespace.Create();
        host.Route.Links.Create(new BridgeLink("br0"));
        host.Route.Links.Create(new BridgeLink("br1"));
        var (first, second) = (host.Route.Links.Get("br0").Index, host.Route.Links.Get("br1").Index);
        using var reactor = new Reactor(static fault => throw fault);
        var heard = new System.Collections.Concurrent.ConcurrentQueue<int>();
        using var lost = new SemaphoreSlim(0);
        var socket = NetlinkEvents.OpenSocket(host.Namespace, NetlinkFamily.Route, NetlinkEvents.LinkGroup);
        LinkFilter.Attach(socket, [first, int.MaxValue]);
        using var events = new NetlinkEvents(reactor, socket, () => lost.Release(), message => heard.Enqueue(message.Read<LinkHeader>().Index));
        host.Route.Links.SetUp(second);
        host.Route.Links.SetUp(first);
        await Networks.Wait.UntilAsync(() => !heard.IsEmpty);
        Assert.DoesNotContain(second, heard);

        // More than a program of the kernel has room for: all is heard.
        LinkFilter.Attach(socket, [.. Enumerable.Range(1000, 5000)]);
        host.Route.Links.TryDelete(second);
        await Networks.Wait.UntilAsync(() => heard.Contains(second));
        Assert.Equal(0, lost.CurrentCount);
    }

    [Fact]
    public async Task Change_OfInterfacesIsHeard_AlsoWhereManyAreLost()
    {
        using var host = TestNamespace.Create();
        using var reactor = new Reactor(static fault => throw fault);
        using var heard = new SemaphoreSlim(0);
        using var socket = NetlinkEvents.OpenSocket(host.Namespace, NetlinkFamily.Route, NetlinkEvents.LinkGroup);

        // More than a socket's buffer holds, before anybody reads.
        for (var i = 0; i < 150; i++)
        {
            host.Route.Links.Create(new BridgeLink("br0"));
            host.Route.Links.TryDelete("br0");
        }

        using var events = new NetlinkEvents(reactor, socket, () => heard.Release());
        Assert.True(await heard.WaitAsync(Patience));
        while (await heard.WaitAsync(TimeSpan.FromMilliseconds(200)))
        {
        }

        host.Route.Links.Create(new BridgeLink("br1"));
        Assert.True(await heard.WaitAsync(Patience));
    }
}
