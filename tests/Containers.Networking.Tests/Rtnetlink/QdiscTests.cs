using Containers.Rtnetlink;

namespace Containers.Tests.Rtnetlink;

public class QdiscTests
{
    private const int ErrorNoEntry = 2;

    [Fact]
    public void TokenBucket_LimitsWithTheRateAskedFor()
    {
        using var host = TestNamespace.Create();
        var index = Link(host);
        Write(host, index, new TokenBucketQdisc(125_000, 10_000, 50_000));
        Assert.Contains("tbf", host.Run("tc", "qdisc", "show", "dev", "a"), StringComparison.Ordinal);
        Assert.Contains("rate 1Mbit burst 10000b", host.Words("tc", "qdisc", "show", "dev", "a"), StringComparison.Ordinal);

        host.Route.Qdiscs.Replace(index, new TokenBucketQdisc(1_250_000_000_0, 10_000_000, 50_000));
        Assert.Contains("rate 100Gbit", host.Words("tc", "qdisc", "show", "dev", "a"), StringComparison.Ordinal);
        Assert.Equal("tbf", Assert.Single(host.Route.Qdiscs.List(index)).Kind);

        host.Route.Qdiscs.Delete(index);
        Assert.DoesNotContain(host.Route.Qdiscs.List(index), static qdisc => qdisc.Kind == "tbf");
    }

    [Fact]
    public void Classes_ShareWhatTheirQueueHas()
    {
        using var host = TestNamespace.Create();
        var index = Link(host);
        Write(host, index, new HtbQdisc(0x10) { Handle = QdiscSpec.HandleOf(1) });
        host.Route.Qdiscs.Add(index, new HtbClass(1_250_000, 2_500_000, 20_000) { Parent = QdiscSpec.HandleOf(1), Handle = QdiscSpec.HandleOf(1, 0x10) });

        Assert.Contains("class htb 1:10 root prio 0 rate 10Mbit ceil 20Mbit", host.Words("tc", "class", "show", "dev", "a"), StringComparison.Ordinal);
        Assert.Equal(QdiscSpec.HandleOf(1, 0x10), Assert.Single(host.Route.Qdiscs.ListClasses(index)).Handle);
        host.Route.Qdiscs.DeleteClass(index, QdiscSpec.HandleOf(1, 0x10));
        Assert.Empty(host.Route.Qdiscs.ListClasses(index));
    }

    [Fact]
    public void Ingress_IsAddedAndTakenAway()
    {
        using var host = TestNamespace.Create();
        var index = Link(host);
        Write(host, index, new IngressQdisc());
        Assert.Contains(host.Route.Qdiscs.List(index), static qdisc => qdisc.Kind == "ingress");
        host.Route.Qdiscs.Delete(index, QdiscSpec.IngressParent, QdiscSpec.HandleOf(0xffff));
        Assert.DoesNotContain(host.Route.Qdiscs.List(index), static qdisc => qdisc.Kind == "ingress");
    }

    [Theory]
    [InlineData("netem")]
    [InlineData("fq_codel")]
    public void QueueThatTheKernelMayLack_IsThereOrNamedWithItsModule(string kind)
    {
        using var host = TestNamespace.Create();
        var index = Link(host);
        QdiscSpec spec = kind == "netem" ? new NetemQdisc { Delay = TimeSpan.FromMilliseconds(20), Jitter = TimeSpan.FromMilliseconds(5), Loss = 0.25 } : new FqCodelQdisc();
        try
        {
            host.Route.Qdiscs.Add(index, spec);
        }
        catch (NetworkException exception)
        {
            Assert.Equal(ErrorNoEntry, exception.ErrorNumber);
            Assert.Equal("Specified qdisc kind is unknown", exception.KernelMessage);
            Assert.Contains($"sch_{kind}", exception.Message, StringComparison.Ordinal);
            return;
        }

        var shown = host.Words("tc", "qdisc", "show", "dev", "a");
        Assert.Contains(kind == "netem" ? "delay 20ms 5ms loss 25%" : "fq_codel", shown, StringComparison.Ordinal);
    }

    private static int Link(TestNamespace host)
    {
        host.Route.Links.Create(new VethLink("a", new VethLink("b")) { Up = true });
        host.Route.Links.SetUp(host.Route.Links.Get("b").Index);
        return host.Route.Links.Get("a").Index;
    }

    private static void Write(TestNamespace host, int index, QdiscSpec spec) => host.Route.Qdiscs.Add(index, spec);
}
