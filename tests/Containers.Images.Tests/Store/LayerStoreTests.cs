using Containers.Oci;
using Containers.Store;

namespace Containers.Tests.Store;

[Trait("Category", "Rootless")]
public sealed class LayerStoreTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ContentStore _store;

    public LayerStoreTests() => _store = ContentStore.Open(_directory["store"]);

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void ChainId_IsThatOfTheSpecification()
    {
        var (one, two) = (Digest.Of("1"u8), Digest.Of("2"u8));
        var identities = LayerIdentity.Of([one, two]);
        Assert.Equal(one, identities[0].ChainId);
        Assert.Equal(Digest.Of(System.Text.Encoding.ASCII.GetBytes($"{one} {two}")), identities[1].ChainId);
    }

    [Fact]
    public void Names_AreShortEnoughForAHundredAndTwentySevenLayersInAPage()
    {
        var names = Enumerable.Range(0, 127).Select(static i => LayerIdentity.NameOf(Digest.Of(BitConverter.GetBytes(i)))).ToList();
        Assert.Equal(127, names.Distinct().Count());
        Assert.All(names, static name => Assert.True(LayerIdentity.IsName(name)));
        Assert.True(string.Join(':', names).Length < 4096 - 256);
    }

    [Fact]
    public async Task SelfContainedLayer_IsFoundBelowAnyOther_AndAnotherOnlyBelowItsOwn()
    {
        var (a, b, c) = (Digest.Of("a"u8), Digest.Of("b"u8), Digest.Of("c"u8));
        await using var hold = _store.Hold();
        await PublishAsync(hold, LayerIdentity.Of([a, b])[1], isSelfContained: false);
        await PublishAsync(hold, LayerIdentity.Of([a, c])[1], isSelfContained: true);
        Assert.NotNull(_store.Layers.Find(LayerIdentity.Of([a, b])[1]));
        Assert.Null(_store.Layers.Find(LayerIdentity.Of([c, b])[1]));
        Assert.NotNull(_store.Layers.Find(LayerIdentity.Of([b, c])[1]));
        Assert.All(_store.Layers.List(), name => Assert.Equal(4, _store.Layers.Size(name)));
    }

    [Fact]
    public async Task Draft_ThatIsNotPublished_LeavesNothing()
    {
        await using var hold = _store.Hold();
        var draft = Assert.Single(await _store.Layers.BeginAsync(hold, LayerIdentity.Of([Digest.Of("a"u8)])));
        await File.WriteAllTextAsync(Path.Combine(draft.Directory, "file"), "half");
        draft.Dispose();
        Assert.False(Directory.Exists(draft.Directory));
        Assert.Empty(_store.Layers.List());
        Assert.Empty(Directory.EnumerateFiles(_directory["store/locks"]));
    }

    [Fact]
    public async Task Layer_IsUnpackedOnce_HoweverManyWantIt()
    {
        var unpacked = 0;
        var identities = LayerIdentity.Of(Enumerable.Range(0, 4).Select(static i => Digest.Of(BitConverter.GetBytes(i))));
        await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Task.Run(async () =>
        {
            using var store = ContentStore.Open(_directory["store"]);
            await using var hold = store.Hold();

            // In different orders: nobody may wait for somebody who waits for him.
            var drafts = await store.Layers.BeginAsync(hold, i % 2 == 0 ? identities : identities.Reverse());
            foreach (var draft in drafts)
            {
                Interlocked.Increment(ref unpacked);
                await File.WriteAllTextAsync(Path.Combine(draft.Directory, "file"), "text");
                draft.Complete(isSelfContained: true, 4);
            }

            store.Layers.Publish(drafts);
            drafts.ToList().ForEach(static draft => draft.Dispose());
            Assert.All(identities, identity => Assert.NotNull(store.Layers.Find(identity)));
        }))).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(4, unpacked);
    }

    [Fact]
    public async Task WaitForALayer_CanBeCanceled()
    {
        var identities = LayerIdentity.Of([Digest.Of("a"u8)]);
        await using var hold = _store.Hold();
        using var draft = Assert.Single(await _store.Layers.BeginAsync(hold, identities));
        using var impatient = new CancellationTokenSource(50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _store.Layers.BeginAsync(hold, identities, impatient.Token));
    }

    [Fact]
    public async Task LayerOfAProcessThatIsKilled_IsTakenByTheNextWhoWaits()
    {
        using var host = StoreHost.Start(_directory["store"], "draft", 1);
        Assert.Equal("3", await host.ReadLineAsync());
        var image = await SampleImage.CreateAsync(1);
        await using var hold = _store.Hold();
        var waiting = _store.Layers.BeginAsync(hold, image.Identities).AsTask();
        await Task.Delay(100);
        Assert.False(waiting.IsCompleted);
        host.Kill();
        var drafts = await waiting.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(3, drafts.Count);
        Assert.All(drafts, static draft => Assert.Empty(Directory.EnumerateFileSystemEntries(draft.Directory)));
        drafts.ToList().ForEach(static draft => draft.Dispose());

        // What it left is swept by whoever opens the store next.
        using var next = ContentStore.Open(_directory["store"]);
        Assert.Equal(2, Directory.EnumerateDirectories(_directory["store/sessions"]).Count());
    }

    private async Task PublishAsync(Hold hold, LayerIdentity identity, bool isSelfContained)
    {
        using var draft = Assert.Single(await _store.Layers.BeginAsync(hold, [identity]));
        await File.WriteAllTextAsync(Path.Combine(draft.Directory, "file"), "text");
        draft.Complete(isSelfContained, 4);
        _store.Layers.Publish([draft]);
    }
}
