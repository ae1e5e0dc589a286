using Containers.Oci;
using Containers.Tests.Fixtures;

namespace Containers.Tests.Pulling;

/// <summary>Registries that end, and lines that break, in the middle of a pull.</summary>
[Trait("Category", "Rootless")]
public sealed class BrokenConnectionTests : IDisposable
{
    private const int Seeds = 30;

    // More than the sockets of both ends hold.
    private const int Large = 32 << 20;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task APull_GoesOn_WhenTheRegistryIsKilledAndStartedAgain()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync();
        var image = PulledImage.Create((1, Large), (2, 1000));
        await image.PushAsync($"{registry.Host}/app:1");
        using var store = new PullingStore(_directory["store"], static options => (options.Registries.MaxRetries, options.Registries.RetryDelay) = (20, TimeSpan.FromMilliseconds(100)));
        Task? restarted = null;
        var killed = 0L;
        var pulled = await store.Images.PullAsync($"{registry.Host}/app:1", new PullOptions
        {
            Progress = new Told(progress =>
            {
                if (progress is { Stage: PullStage.Transferring, Bytes: > 0, Size: > 1 << 20 } && Interlocked.CompareExchange(ref killed, progress.Bytes, 0) == 0)
                {
                    registry.Kill();
                    restarted = registry.RestartAsync();
                }
            }),
        });
        await restarted!;
        Assert.Equal(image.Digest.ToString(), pulled.Digest);
        Assert.InRange(killed, 1, Large - 1);
        await store.RequireCleanAfterPruneAsync();
    }

    [Fact]
    public async Task APull_WhoseRegistryIsGone_SaysSo_AndTheNextContinuesWhereItStopped()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync();
        await using var proxy = await RegistryProxy.StartAsync(registry);
        var image = PulledImage.Create((1, Large));
        await image.PushAsync($"{registry.Host}/app:1");
        var reference = $"{proxy.Host}/app:1";
        using (var store = new PullingStore(_directory["store"]))
        {
            var failed = await Assert.ThrowsAsync<ImageException>(() => store.Images.PullAsync(reference, new PullOptions
            {
                Progress = new Told(progress =>
                {
                    if (progress is { Stage: PullStage.Transferring, Bytes: > 1 << 20 })
                    {
                        registry.Kill();
                    }
                }),
            }));
            Assert.Contains(reference, failed.Message, StringComparison.Ordinal);
            Assert.Contains(Digest.Of(image.Blobs[0]).ToString(), failed.Message, StringComparison.Ordinal);
            Assert.Empty(await store.Images.ListAsync());
            Assert.Empty(store.Layers);
            await store.RequireCleanAsync();
        }

        using var next = new PullingStore(_directory["store"]);
        var partial = Assert.Single(next.Partials);
        Assert.InRange(partial, 1 << 20, Large - 1);
        await registry.RestartAsync();
        proxy.Blobs.Clear();
        Assert.Equal(image.Digest.ToString(), (await next.Images.PullAsync(reference)).Digest);
        Assert.Equal([$"bytes={partial}-"], proxy.Blobs.Where(asked => asked.Digest == Digest.Of(image.Blobs[0]).ToString()).Select(static asked => asked.Range));
        await next.RequireCleanAfterPruneAsync();
    }

    [Fact]
    public async Task APartOfOtherContent_IsFetchedAgain_ByThePullThatContinuesIt()
    {
        var image = PulledImage.Create((1, 1 << 20));
        await using var registry = await MemoryRegistry.StartAsync(image);
        using var store = new PullingStore(_directory["store"]);
        registry.Replace(image.Blobs[0], [.. image.Blobs[0].Select(static value => (byte)~value)]);
        await Assert.ThrowsAsync<ImageException>(() => store.Images.PullAsync(registry.Reference));
        registry.Replace(image.Blobs[0], [.. image.Blobs[0][..^1], (byte)~image.Blobs[0][^1]]);
        await Assert.ThrowsAsync<ImageException>(() => store.Images.PullAsync(registry.Reference));
        registry.Add(image);
        var last = default(PullProgress);
        await store.Images.PullAsync(registry.Reference, new PullOptions { Progress = new Told(progress => last = progress) });
        Assert.Equal((image.LayerBytes, image.LayerBytes), (last.TotalBytes, last.TotalSize));
        await store.RequireCleanAfterPruneAsync();
    }

    [Fact]
    public async Task ALineThatBreaksAnywhere_NeverBreaksTheStore()
    {
        var image = PulledImage.Create((1, 300_000), (2, 100_000), (3, 10_000));
        await using var registry = await MemoryRegistry.StartAsync(image);
        var (cuts, failures) = (0, 0);
        for (var seed = 0; seed < Seeds; seed++)
        {
            // From lines that bring next to nothing to those that bring a layer.
            await using var proxy = new CuttingProxy(registry.Host, seed, 2000 << (seed % 8));
            using var store = new PullingStore(_directory[$"store{seed}"]);
            try
            {
                await store.Images.PullAsync($"{proxy.Host}/app:1");
            }
            catch (ImageException failed)
            {
                failures++;
                Assert.Contains(proxy.Host, failed.Message, StringComparison.Ordinal);
                Assert.Empty(await store.Images.ListAsync());
                await store.RequireCleanAsync();
            }

            cuts += proxy.Cuts;
            proxy.IsCutting = false;
            Assert.Equal(image.Digest.ToString(), (await store.Images.PullAsync($"{proxy.Host}/app:1")).Digest);
            await store.RequireCleanAfterPruneAsync();
        }

        Assert.InRange(failures, 1, Seeds - 1);
        Assert.InRange(cuts, Seeds, int.MaxValue);
    }
}
