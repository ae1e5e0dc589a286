using Containers.Interop;
using Containers.Tests.Fixtures;
using Containers.Tests.Store;

namespace Containers.Tests.Pulling;

/// <summary>Processes that are killed while they pull. Runs a container as root.</summary>
public sealed class KilledPullTests : IDisposable
{
    private const int Kills = 50;
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task AProcessKilledAtAnyMomentOfAPull_LeavesAStoreThatIsWhole()
    {
        Assert.SkipUnless(Libc.EffectiveUserId() == 0, "runs a container as root");
        var image = PulledImage.CreateRunnable((1, 2_000_000), (2, 1_000_000), (3, 1000));
        await using var registry = await MemoryRegistry.StartAsync(image);
        var random = new Random(4);
        var (unfinished, finished) = (0, 0);
        for (var kill = 0; kill < Kills; kill++)
        {
            using (var host = StoreHost.Start(_directory["store"], "pull", registry.Reference))
            {
                await host.ReadLineAsync();
                await Task.Delay(random.Next(400));
                host.Kill();
            }

            using var store = new PullingStore(_directory["store"]);
            await store.RequireCleanAsync();
            var isThere = (await store.Images.ListAsync()).Count > 0;
            (unfinished, finished) = isThere ? (unfinished, finished + 1) : (unfinished + 1, finished);

            // Most leave what they have to the next; one that has all of it, and every fifth, begin anew.
            if (isThere || kill % 5 == 4)
            {
                await store.Images.PruneAsync(all: true);
                Assert.Empty(store.Layers);
                await store.RequireCleanAfterPruneAsync();
            }
        }

        Assert.True(unfinished >= 10, $"{unfinished} pulls were killed before their end, {finished} after it.");
        await using var engine = new ContainerEngine(new ContainerEngineOptions { Images = { Directory = _directory["store"] } });
        Assert.Equal(image.Digest.ToString(), (await engine.Images.PullAsync(registry.Reference)).Digest);
        var result = await engine.RunAsync(ContainerBuilder.FromImage(registry.Reference).WithCommand("/bin/busybox", "wc", "-c", "/data-1", "/data-2", "/data-3").WithTimeout(TimeSpan.FromSeconds(60)));
        Assert.Equal("  2000000 /data-1\n  1000000 /data-2\n     1000 /data-3\n  3001000 total\n", result.StandardOutput.Text);
    }
}
