using System.Net;
using Containers.Nftables;
using Containers.Tests.Networks;

namespace Containers.Tests.Nftables;

public class NftablesClientTests
{
    private const int ErrorNoEntry = 2;
    private const int ErrorNotPermitted = 1;

    private static readonly Table Ours = new(NftFamily.Inet, "ours");
    private static readonly Chain Forward = new(Ours, "forward") { Hook = new Hook(HookPoint.Forward, ChainPriority.Filter) };

    [Fact]
    public void Rules_AreListedWithTheirCommentsAndDeletedByHandle()
    {
        using var host = TestNamespace.Create();
        using var nft = NftablesClient.Open(host.Namespace);
        nft.Commit(static batch =>
        {
            batch.AddTable(Ours);
            batch.AddChain(Forward);
            batch.AddRule(Forward, new Rule(Match.InputInterface("br0"), Act.Counter, Act.Drop) { Comment = "one" });
            batch.AddRule(Forward, new Rule(Act.Accept) { Comment = "two" });
            batch.InsertRule(Forward, new Rule(Act.Return) { Comment = "first" });
        });

        var rules = nft.ListRules(Forward);
        Assert.Equal(["first", "one", "two"], rules.Select(static rule => rule.Comment));
        Assert.Equal((0ul, 0ul), rules[1].Counter);

        nft.Update(batch =>
        {
            batch.InsertRule(Forward, new Rule(Act.Drop) { Comment = "before two" }, nft.ListRules(Forward).Single(static rule => rule.Comment == "two").Handle);
            batch.DeleteRule(Forward, nft.ListRules(Forward).Single(static rule => rule.Comment == "one").Handle);
        });
        Assert.Equal(["first", "before two", "two"], nft.ListRules(Forward).Select(static rule => rule.Comment));
        nft.Commit(static batch => batch.FlushChain(Forward));
        Assert.Empty(nft.ListRules(Forward));
        nft.Commit(static batch => batch.DeleteChain(Forward));
        Assert.Empty(nft.ListChains(Ours));
        nft.Commit(static batch => batch.DeleteTable(Ours));
        Assert.Empty(nft.ListTables());
    }

    [Fact]
    public void Batch_ThatFailsChangesNothingAndNamesTheChange()
    {
        using var host = TestNamespace.Create();
        using var nft = NftablesClient.Open(host.Namespace);
        var exception = Assert.Throws<NetworkException>(() => nft.Commit(static batch =>
        {
            batch.AddTable(Ours);
            batch.AddChain(Forward);
            batch.AddRule(Forward, new Rule(Act.Jump("nowhere")) { Comment = "bad" });
            batch.AddRule(Forward, new Rule(Act.Accept));
        }));
        Assert.Equal(ErrorNoEntry, exception.ErrorNumber);
        Assert.StartsWith("add a rule to chain forward of table inet ours (\"bad\"): ENOENT", exception.Message, StringComparison.Ordinal);
        Assert.Empty(nft.ListTables());

        // And the socket still works.
        nft.Commit(static batch => batch.AddTable(Ours));
        Assert.Single(nft.ListTables());
    }

    /// <summary>The kernel takes away by a socket's address what it owned, a moment after others can have that address.</summary>
    [Fact]
    public async Task OwnedTables_StayWhereSocketsOfTheSameProcessAreClosed()
    {
        using var host = TestNamespace.Create();
        var ended = 0;
        void Own(int worker)
        {
            for (var round = 0; round < 100; round++)
            {
                using var owner = NftablesClient.Open(host.Namespace);
                var table = new Table(NftFamily.Inet, $"t{worker}-{round}") { Owned = true };
                owner.Commit(batch => batch.AddTable(table));
                for (var look = 0; look < 3; look++)
                {
                    Assert.Contains(owner.ListTables(), found => found.Table.Name == table.Name && found.OwnerPortId == owner.PortId);
                }
            }
        }

        void OpenAndClose()
        {
            while (Volatile.Read(ref ended) == 0)
            {
                NftablesClient.Open(host.Namespace).Dispose();
            }
        }

        var others = Enumerable.Range(0, 4).Select(_ => Task.Run(OpenAndClose)).ToArray();
        try
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() => Own(worker))));
        }
        finally
        {
            Volatile.Write(ref ended, 1);
            await Task.WhenAll(others);
        }
    }

    [Fact]
    public void NamedCounters_AreCountedAndListed()
    {
        using var host = TestNamespace.Create();
        using var nft = NftablesClient.Open(host.Namespace);
        var output = new Chain(Ours, "output") { Hook = new Hook(HookPoint.Output, 0) };
        nft.Commit(batch =>
        {
            batch.AddTable(Ours);
            batch.AddCounter(Ours, "sent");
            batch.AddChain(output);
            batch.AddRule(output, new Rule(Match.Destination(IPAddress.Loopback), Match.UdpDestinationPort(9), Act.CountBy("sent"), Act.Counter));
        });
        host.Route.Links.SetUp(host.Route.Links.Get("lo").Index);
        host.Namespace.Run(static () =>
        {
            using var socket = new System.Net.Sockets.UdpClient();
            return socket.Send(new byte[100], new IPEndPoint(IPAddress.Loopback, 9));
        });

        var counter = Assert.Single(nft.ListCounters(Ours));
        Assert.Equal(("sent", 128ul, 1ul), (counter.Name, counter.Bytes, counter.Packets));
        Assert.Equal(128ul, nft.ListRules(output)[0].Counter!.Value.Bytes);
    }

    [Fact]
    public async Task OwnedTable_IsNobodyElsesAndGoneWithItsSocket()
    {
        using var host = TestNamespace.Create();
        using var other = NftablesClient.Open(host.Namespace);
        var table = Ours with { Owned = true };
        using (var owner = NftablesClient.Open(host.Namespace))
        {
            owner.Commit(batch => batch.AddTable(table));
            Assert.Equal(owner.PortId, Assert.Single(other.ListTables()).OwnerPortId);
            var refused = Assert.Throws<NetworkException>(() => other.Commit(batch => batch.DeleteTable(table)));
            Assert.Equal(ErrorNotPermitted, refused.ErrorNumber);
            owner.Commit(batch => batch.AddChain(new Chain(table, "c")));
        }

        // A program that another test starts just now has a copy of the socket until its exec.
        await Wait.UntilAsync(() => other.ListTables().Count == 0);
    }

    [Fact]
    public void Update_IsDoneAgainWhereOthersChangedTheRulesMeanwhile()
    {
        using var host = TestNamespace.Create();
        using var nft = NftablesClient.Open(host.Namespace);
        using var other = NftablesClient.Open(host.Namespace);
        nft.Commit(static batch =>
        {
            batch.AddTable(Ours);
            batch.AddChain(Forward);
        });
        var calls = 0;
        nft.Update(batch =>
        {
            if (++calls < 3)
            {
                other.Commit(static changes => changes.AddRule(Forward, new Rule(Act.Accept)));
            }

            batch.AddRule(Forward, new Rule(Act.Drop) { Comment = $"after {nft.ListRules(Forward).Count}" });
        });
        Assert.Equal(3, calls);
        Assert.Equal("after 2", nft.ListRules(Forward)[^1].Comment);
    }

    [Fact]
    public void Update_GivesUpWhereOthersNeverStop()
    {
        using var host = TestNamespace.Create();
        using var nft = NftablesClient.Open(host.Namespace);
        using var other = NftablesClient.Open(host.Namespace);
        nft.Commit(static batch => batch.AddTable(Ours));
        var calls = 0;
        var exception = Assert.Throws<NetworkException>(() => nft.Update(batch =>
        {
            var name = $"c{calls++}";
            other.Commit(changes => changes.AddChain(new Chain(Ours, name)));
            batch.AddChain(Forward);
        }));
        Assert.Contains("Others changed the rules each time", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManyContainersAtOnce_BesideAnotherProgramsChanges_GiveTheRulesAskedFor()
    {
        const int Count = 64;
        using var host = TestNamespace.Create();
        using var first = NftablesClient.Open(host.Namespace);
        using var second = NftablesClient.Open(host.Namespace);
        var set = new Set(Ours, "containers", DataType.Ip4) { Verdicts = true };
        first.Commit(batch =>
        {
            batch.AddTable(Ours);
            batch.AddChain(Forward);
            batch.AddSet(set);
            batch.AddRule(Forward, new Rule(Act.VerdictOf("containers", Field.Ip4Destination)));
        });

        using var stop = new CancellationTokenSource();
        using var running = new ManualResetEventSlim();
        var churn = Task.Run(() =>
        {
            var rounds = 0;
            for (; !stop.IsCancellationRequested; rounds++)
            {
                host.Run("nft", "add table ip theirs; add chain ip theirs x; add rule ip theirs x counter accept; flush chain ip theirs x; delete table ip theirs");
                running.Set();
            }

            return rounds;
        });
        running.Wait(Box.Token);
        Parallel.For(0, Count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
        {
            var client = i % 2 == 0 ? first : second;
            client.Update(batch =>
            {
                var chain = new Chain(Ours, $"c{i}");
                batch.AddChain(chain);
                batch.AddRule(chain, new Rule(Match.TcpDestinationPort((ushort)(8000 + i)), Act.Accept) { Comment = $"container {i}" });
                batch.AddElements(set, new SetElement([10, 0, 0, (byte)i]) { Verdict = Verdict.Jump($"c{i}") });
            });
            Assert.Equal($"container {i}", Assert.Single(client.ListRules(new Chain(Ours, $"c{i}"))).Comment);
        });
        await stop.CancelAsync();
        Assert.True(await churn > 0);

        Assert.Equal(Count, first.ListElements(set).Count);
        Assert.Equal(Count + 1, first.ListChains(Ours).Count);
        Assert.Equal(Ours.Name, Assert.Single(first.ListTables()).Table.Name);
    }

    [Fact]
    public void Comment_ThatDoesNotFitIsRefused()
    {
        Assert.Throws<NetworkException>(static () => UserData.Comment(new string('x', 128)));
        Assert.Equal(129, UserData.Comment(new string('x', 127)).Length - 1);
    }

    [Fact]
    public void Rule_ThatContradictsItselfOrItsTableIsRefused()
    {
        using var batch = new NftBatch();
        var bridge = new Chain(new Table(NftFamily.Ip, "t"), "c");
        Assert.Throws<NetworkException>(() => batch.AddRule(bridge, new Rule(Match.Source(IPNetwork.Parse("fd00::/64")))));
        Assert.Throws<NetworkException>(() => batch.AddRule(Forward, new Rule(Match.TcpDestinationPort(1), Match.UdpDestinationPort(1))));
    }
}
