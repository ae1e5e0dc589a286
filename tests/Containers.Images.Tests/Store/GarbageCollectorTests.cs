using Containers.Oci;
using Containers.Store;

namespace Containers.Tests.Store;

[Trait("Category", "Rootless")]
public sealed class GarbageCollectorTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ContentStore _store;

    public GarbageCollectorTests() => _store = ContentStore.Open(_directory["store"]);

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Prune_TakesImagesWithoutANameAndKeepsWhatOthersShare()
    {
        var (one, two) = (await StoreAsync(1), await StoreAsync(2));
        await _store.Tags.RemoveAsync(one.Name);
        var dry = await _store.Collector.PruneAsync(new PruneOptions { IsDryRun = true });
        Assert.True(_store.Blobs.Contains(one.Digest));
        var result = await _store.Collector.PruneAsync(new PruneOptions());
        Assert.Equal(dry.Bytes, result.Bytes);
        Assert.Equal(one.Digest, Assert.Single(result.Images).Digest);
        Assert.Equal((4, 2), (result.Blobs, result.Layers));
        Assert.False(_store.Blobs.Contains(one.Digest));
        Assert.All(two.Identities, identity => Assert.NotNull(_store.Layers.Find(identity)));
        Assert.Empty(await _store.Verifier.VerifyAsync(repair: false));
        Assert.Single((await _store.UsageAsync()).Images);
    }

    [Fact]
    public async Task PruneOfOrphans_TakesWhatBelongsToNoImage()
    {
        var image = await StoreAsync(1);
        await _store.Tags.RemoveAsync(image.Name);
        await using (var hold = _store.Hold())
        {
            await _store.Blobs.WriteAsync(hold, "an orphan"u8.ToArray());
            await using (var partial = await _store.Blobs.BeginAsync(hold, Digest.Of("x"u8), null))
            {
                await partial!.WriteAsync("half"u8.ToArray());
            }

            Assert.Equal(0, (await _store.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Orphans })).Blobs);
        }

        var result = await _store.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Orphans });
        Assert.Equal((1, 0, 1, 13L), (result.Blobs, result.Layers, result.Partials, result.Bytes));
        Assert.True(_store.Blobs.Contains(image.Digest));
        Assert.Empty(Directory.EnumerateFiles(_directory["store/partial"]));
    }

    [Fact]
    public async Task PruneOfAll_LeavesAnEmptyStore()
    {
        await StoreAsync(1);
        await StoreAsync(2);
        var result = await _store.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Unused });
        Assert.Equal(["example.org/sample:1", "example.org/sample:2"], result.Images.SelectMany(static image => image.Names).Order());
        Assert.Empty(_store.Blobs.List());
        Assert.Empty(_store.Layers.List());
        Assert.Empty(_store.Tags.List());
        foreach (var folder in (string[])["records", "locks", "partial"])
        {
            Assert.Empty(Directory.EnumerateFileSystemEntries(_directory[$"store/{folder}"]));
        }
    }

    [Fact]
    public async Task KeepBytes_TakesTheLeastRecentlyUsedFirst()
    {
        var images = new List<SampleImage>();
        for (var i = 0; i < 4; i++)
        {
            images.Add(await StoreAsync(i));
            File.SetLastWriteTimeUtc(_directory[$"store/blobs/sha256/{images[i].Digest.Hex}"], DateTime.UtcNow.AddDays(i - 10));
        }

        _store.Blobs.Touch(images[0].Digest);
        var usage = await _store.UsageAsync();
        var result = await _store.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Unused, KeepBytes = usage.Blobs + usage.Layers - 1 });
        Assert.Equal(images[1].Digest, Assert.Single(result.Images).Digest);
        Assert.Empty((await _store.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Unused, KeepBytes = long.MaxValue })).Images);
    }

    [Fact]
    public async Task Usage_TellsWhatIsSharedAndWhatCouldBeFreed()
    {
        var (one, two) = (await StoreAsync(1), await StoreAsync(2));
        await using var hold = _store.Hold();
        await hold.AddAsync(one.Digest);
        var usage = await _store.UsageAsync();
        var used = usage.Images.Single(image => image.Target.Id == one.Digest);
        var unused = usage.Images.Single(image => image.Target.Id == two.Digest);
        Assert.True(used.IsInUse);
        Assert.False(unused.IsInUse);
        Assert.Equal(one.Name, Assert.Single(used.Names));
        Assert.Equal(one.Tars[0].Length + (2 * 48 * 1024), used.Shared);
        Assert.Equal(unused.Unique, usage.Reclaimable);
        Assert.Equal(usage.Blobs + usage.Layers, used.Size + unused.Unique);
    }

    [Fact]
    public async Task WhatALiveProcessUses_IsNeverCollected_AndIsWhenItIsKilled()
    {
        using var host = StoreHost.Start(_directory["store"], "hold", 5);
        var digest = Digest.Parse(await host.ReadLineAsync());
        var image = await SampleImage.CreateAsync(5);
        await _store.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Unused });
        Assert.True(_store.Blobs.Contains(digest));
        Assert.All(image.Identities, identity => Assert.NotNull(_store.Layers.Find(identity)));
        var exception = await Assert.ThrowsAsync<ImageException>(() => _store.Collector.RemoveAsync(digest));
        Assert.Contains("uses it", exception.Message, StringComparison.Ordinal);
        host.Kill();
        await _store.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Unused });
        Assert.Empty(_store.Blobs.List());
        Assert.Empty(_store.Layers.List());
    }

    [Fact]
    public async Task Remove_TakesAnImageWithItsNamesAndNothingOfAnother()
    {
        var (one, two) = (await StoreAsync(1), await StoreAsync(2));
        await _store.Tags.SetAsync("another", one.Target);
        await using (var hold = _store.Hold())
        {
            await _store.Blobs.WriteAsync(hold, "an orphan"u8.ToArray());
        }

        var result = await _store.Collector.RemoveAsync(one.Digest);
        Assert.Equal(["another", one.Name], Assert.Single(result.Images).Names.Order());
        Assert.Equal((4, 2), (result.Blobs, result.Layers));
        Assert.True(_store.Blobs.Contains(Digest.Of("an orphan"u8)));
        Assert.All(two.Identities, identity => Assert.NotNull(_store.Layers.Find(identity)));
        await Assert.ThrowsAsync<ImageException>(() => _store.Collector.RemoveAsync(one.Digest));
    }

    [Fact]
    public async Task Collecting_WhileImagesAreStored_NeverTakesAPartOfOne()
    {
        using var stop = new CancellationTokenSource();
        var collecting = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await _store.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Unused });
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            using var store = ContentStore.Open(_directory["store"]);
            var image = await SampleImage.CreateAsync(i % 4);
            for (var round = 0; round < 5; round++)
            {
                await using var hold = store.Hold();
                await image.StoreAsync(store, hold);
                Assert.All(image.Blobs, blob => Assert.Equal(blob.Length, store.Blobs.Size(Digest.Of(blob))));
                Assert.All(image.Identities, identity => Assert.True(SampleImage.IsWhole(Path.Combine(store.Layers.Directory, store.Layers.Find(identity)!))));
                Assert.Equal(image.Manifest, await store.Blobs.ReadDocumentAsync(image.Digest));
            }
        }))).WaitAsync(TimeSpan.FromSeconds(120));
        await stop.CancelAsync();
        await collecting;
    }

    [Fact]
    public async Task Index_WithOneOfItsPlatforms_IsOneImage()
    {
        var (one, two) = (await StoreAsync(1, tag: false), await SampleImage.CreateAsync(2));
        var index = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(
            new ImageIndex { MediaType = MediaTypes.Index, Manifests = [one.Target, two.Target] }, OciJson.Default.ImageIndex);
        await using (var hold = _store.Hold())
        {
            await _store.Blobs.WriteAsync(hold, index);
            await _store.Tags.SetAsync("multi", new Descriptor { MediaType = MediaTypes.Index, Digest = Digest.Of(index).ToString(), Size = index.Length });
        }

        Assert.Equal(Digest.Of(index), Assert.Single((await _store.UsageAsync()).Images).Target.Id);
        Assert.Equal(0, (await _store.Collector.PruneAsync(new PruneOptions())).Blobs);
        Assert.Empty(await _store.Verifier.VerifyAsync(repair: false));
        await using var running = _store.Hold();
        await running.AddAsync(one.Digest);
        Assert.Empty((await _store.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Unused })).Images);
    }

    private async Task<SampleImage> StoreAsync(int number, bool tag = true)
    {
        var image = await SampleImage.CreateAsync(number);
        await image.StoreAsync(_store, tag);
        return image;
    }
}
