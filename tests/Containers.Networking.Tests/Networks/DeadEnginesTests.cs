using Containers.Firewall;
using Containers.Networks;
using Containers.Nftables;

namespace Containers.Tests.Networks;

/// <summary>What engines leave where the kernel does not know owners of tables (before Linux 5.12), and who may take it away.</summary>
public class DeadEnginesTests
{
    private const string Dead = "0123abcd";

    [Fact]
    public async Task TablesAndLinks_OfADeadEngineAreTakenAwayByName()
    {
        await using var lab = new NetworkLab();
        Host.Run("nft", $"add table inet containers-{Dead}; add table netdev containers-{Dead}");
        Host.Run("nft", "add table inet containers-others; add table inet containers-0123abcde");
        Host.Run("ip", "link", "add", $"cbr-{Dead}0", "type", "bridge");
        Host.Run("ip", "link", "add", $"cvx-{Dead}0", "type", "vxlan", "id", "9", "dstport", "4789", "local", "127.0.0.1");
        Host.Run("ip", "link", "add", $"cvx-{Dead}1", "type", "veth", "peer", "name", "somebodys0");
        try
        {
            await lab.Networks.CreateAsync("next", cancellationToken: Box.Token);
            var tables = Host.Run("nft", "list", "tables");
            Assert.DoesNotContain($"containers-{Dead}\n", tables, StringComparison.Ordinal);
            Assert.Contains("containers-others", tables, StringComparison.Ordinal);
            Assert.Contains("containers-0123abcde", tables, StringComparison.Ordinal);
            Assert.Null(lab.Host.Links.Find($"cbr-{Dead}0"));
            Assert.Null(lab.Host.Links.Find($"cvx-{Dead}0"));
            Assert.NotNull(lab.Host.Links.Find($"cvx-{Dead}1"));
        }
        finally
        {
            Host.Run("nft", "delete table inet containers-others; delete table inet containers-0123abcde");
            Host.Run("ip", "link", "delete", $"cvx-{Dead}1");
        }
    }

    [Fact]
    public async Task TablesAndLinks_OfALivingEngineStayAlsoWithoutOwner()
    {
        const string Living = "0123abce";
        await using var lab = new NetworkLab();
        await using var later = new NetworkLab();
        await lab.Networks.CreateAsync("first", cancellationToken: Box.Token);
        FirewallTable table;
        using (new EngineMarks(HostSide.RecordsHere(), Living))
        {
            table = FirewallTable.Create(HostSide.TableOf(Living), HostSide.BridgesOf(Living), [], owned: false);
            Host.Run("ip", "link", "add", $"cbr-{Living}0", "type", "bridge");
            await later.Networks.CreateAsync("second", cancellationToken: Box.Token);
            Assert.Contains(HostSide.TableOf(Living), Host.Run("nft", "list", "tables"), StringComparison.Ordinal);
            Assert.NotNull(lab.Host.Links.Find($"cbr-{Living}0"));
            Assert.Throws<NetworkException>(() => new EngineMarks(HostSide.RecordsHere(), Living));
        }

        await using var last = new NetworkLab();
        await last.Networks.CreateAsync("third", cancellationToken: Box.Token);
        Assert.DoesNotContain(HostSide.TableOf(Living), Host.Run("nft", "list", "tables"), StringComparison.Ordinal);
        Assert.Null(lab.Host.Links.Find($"cbr-{Living}0"));

        // Its end, which finds nothing any more; while it is locked nobody else sweeps.
        using (new EngineMarks(HostSide.RecordsHere(), Living))
        {
            table.Client.Commit(static batch => batch.AddTable(new Table(NftFamily.Inet, HostSide.TableOf(Living))));
            table.Client.Commit(static batch => batch.AddTable(new Table(NftFamily.Netdev, HostSide.TableOf(Living))));
            table.Dispose();
        }
    }

    [Fact]
    public async Task Engine_WhoseContainersAreStillEndingIsSweptWhenTheyHave()
    {
        const string Dying = "0123abcf";
        await using var lab = new NetworkLab();
        Host.Run("ip", "link", "add", $"cbr-{Dying}0", "type", "bridge");

        // As its guardian has: the table has an owner, while the process that locked the mark is gone.
        using (FirewallTable.Create(HostSide.TableOf(Dying), HostSide.BridgesOf(Dying), []))
        {
            await lab.Networks.CreateAsync("early", cancellationToken: Box.Token);
            await Task.Delay(200, Box.Token);
            Assert.NotNull(lab.Host.Links.Find($"cbr-{Dying}0"));
        }

        await Wait.UntilAsync(() => lab.Host.Links.Find($"cbr-{Dying}0") is null);
    }
}
