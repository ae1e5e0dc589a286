using Containers.Store;

namespace Containers.Tests.Store;

[Trait("Category", "Rootless")]
public sealed class StoreCrashTests : IDisposable
{
    private const int Kills = 50;
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Store_WhoseUsersAreKilledAtRandomMoments_IsAlwaysWhole()
    {
        var random = new Random(20);
        var hosts = new List<StoreHost>();
        try
        {
            for (var kill = 0; kill < Kills; kill++)
            {
                while (hosts.Count < 3)
                {
                    hosts.Add(StoreHost.Start(_directory["store"], "churn", random.Next()));
                    await hosts[^1].ReadLineAsync();
                }

                await Task.Delay(random.Next(60));
                var victim = hosts[random.Next(hosts.Count)];
                hosts.Remove(victim);
                victim.Kill();
                victim.Dispose();

                // Others go on meanwhile: no name may stand for anything that is not whole.
                using var store = ContentStore.Open(_directory["store"]);
                Assert.All(store.Layers.List().ToList(), name =>
                {
                    var layer = Path.Combine(store.Layers.Directory, name);
                    try
                    {
                        Assert.True(SampleImage.IsWhole(layer) || !Directory.Exists(layer));
                    }
                    catch (IOException) when (!Directory.Exists(layer))
                    {
                        // Collected while it was looked at.
                    }
                });
                Assert.DoesNotContain(await store.Verifier.VerifyAsync(repair: false), static problem => problem.Kind == StoreProblemKind.CorruptBlob);
            }
        }
        finally
        {
            hosts.ForEach(static host => host.Dispose());
        }

        using (var store = ContentStore.Open(_directory["store"]))
        {
            Assert.Empty(await store.Verifier.VerifyAsync(repair: false));
            Assert.Single(Directory.EnumerateDirectories(_directory["store/sessions"]));
        }

        using (var worker = StoreHost.Start(_directory["store"], "store", 8))
        {
            Assert.Equal(0, worker.ExitCode);
        }

        using var last = ContentStore.Open(_directory["store"]);
        Assert.Equal(8, last.Tags.List().Count);
        Assert.Empty(await last.Verifier.VerifyAsync(repair: false));
        await last.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Unused });
        Assert.Empty(last.Blobs.List());
        Assert.Empty(last.Layers.List());
        Assert.Empty(Directory.EnumerateFiles(_directory["store/partial"]));
        Assert.Empty(Directory.EnumerateFiles(_directory["store/locks"]));
    }

    [Fact]
    public async Task SeveralProcesses_StoringTheSameImagesAtOnce_AllSucceed()
    {
        var hosts = Enumerable.Range(0, 4).Select(_ => StoreHost.Start(_directory["store"], "store", 6)).ToList();
        try
        {
            Assert.All(hosts, static host => Assert.Equal(0, host.ExitCode));
        }
        finally
        {
            hosts.ForEach(static host => host.Dispose());
        }

        using var store = ContentStore.Open(_directory["store"]);
        Assert.Equal(6, store.Tags.List().Count);
        Assert.Empty(await store.Verifier.VerifyAsync(repair: false));
    }
}
