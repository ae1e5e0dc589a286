using Containers.Oci;
using Containers.Store;

namespace Containers.Tests.Store;

[Trait("Category", "Rootless")]
public sealed class TagStoreTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<StoreProblem> _problems = [];
    private readonly ContentStore _store;

    public TagStoreTests() => _store = ContentStore.Open(_directory["store"], _problems.Add);

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Tag_IsWhatItWasSetToLast_UntilItIsRemoved()
    {
        await using var hold = _store.Hold();
        var (one, two) = (await StoreAsync(hold, 1), await StoreAsync(hold, 2));
        await _store.Tags.SetAsync("docker.io/library/a:1", one);
        await _store.Tags.SetAsync("docker.io/library/b:1", one);
        await _store.Tags.SetAsync("docker.io/library/a:1", two);
        Assert.Equal(two, _store.Tags.Get("docker.io/library/a:1"));
        Assert.Equal(["docker.io/library/a:1", "docker.io/library/b:1"], _store.Tags.List().Select(static tag => tag.Key));
        Assert.True(await _store.Tags.RemoveAsync("docker.io/library/a:1"));
        Assert.False(await _store.Tags.RemoveAsync("docker.io/library/a:1"));
        Assert.Null(_store.Tags.Get("docker.io/library/a:1"));
    }

    [Fact]
    public async Task Tag_OfWhatIsNotThere_IsRefused()
    {
        var target = new Descriptor { Digest = Digest.Of("nothing"u8).ToString(), Size = 7 };
        await Assert.ThrowsAsync<ImageException>(async () => await _store.Tags.SetAsync("a", target));
        Assert.Empty(_store.Tags.List());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    public void Name_ThatIsNoLine_IsRefused(string name) => Assert.Throws<ImageException>(() => _store.Tags.Get(name));

    [Fact]
    public async Task Name_ThatLooksLikeAPath_IsOnlyAName()
    {
        await using var hold = _store.Hold();
        var target = await StoreAsync(hold, 1);
        await _store.Tags.SetAsync("../../../etc/passwd", target);
        Assert.Equal(target, _store.Tags.Get("../../../etc/passwd"));
        Assert.Single(Directory.EnumerateFiles(_directory["store/tags"]));
    }

    [Fact]
    public async Task ManyWriters_LoseNoTag()
    {
        await using var hold = _store.Hold();
        var target = await StoreAsync(hold, 1);
        await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Task.Run(async () =>
        {
            using var store = ContentStore.Open(_directory["store"]);
            for (var j = 0; j < 8; j++)
            {
                await store.Tags.SetAsync($"name:{i}-{j}", target);
                await store.Tags.SetAsync("contended", target);
                Assert.NotNull(store.Tags.Get("contended"));
            }
        })));
        Assert.Equal((32 * 8) + 1, _store.Tags.List().Count);
        Assert.Empty(_problems);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0\0\0\0")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"name\":\"a\",\"target\":{\"digest\":\"sha256:../../x\",\"size\":1}}")]
    [InlineData("{\"name\":\"another\",\"target\":{\"digest\":\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"size\":0}}")]
    public async Task Garbage_InATag_CostsThatTagAndIsReported(string garbage)
    {
        await using var hold = _store.Hold();
        var target = await StoreAsync(hold, 1);
        await _store.Tags.SetAsync("a", target);
        var file = Directory.EnumerateFiles(_directory["store/tags"]).Single();
        await _store.Tags.SetAsync("b", target);
        await File.WriteAllTextAsync(file, garbage);
        Assert.Equal("b", Assert.Single(_store.Tags.List()).Key);
        Assert.Null(_store.Tags.Get("a"));
        Assert.Equal((StoreProblemKind.CorruptTag, true), (Assert.Single(_problems).Kind, _problems[0].IsRepaired));
        Assert.Equal(garbage, await File.ReadAllTextAsync(Directory.EnumerateFiles(_directory["store/aside"]).Single()));
        await _store.Tags.SetAsync("a", target);
        Assert.Equal(target, _store.Tags.Get("a"));
    }

    private async Task<Descriptor> StoreAsync(Hold hold, int number)
    {
        var digest = await _store.Blobs.WriteAsync(hold, new byte[number]);
        return new Descriptor { MediaType = MediaTypes.Manifest, Digest = digest.ToString(), Size = number };
    }
}
