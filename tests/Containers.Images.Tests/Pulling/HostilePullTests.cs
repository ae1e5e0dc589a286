using System.IO.Compression;
using Containers.Oci;
using Containers.Tests.Fixtures;
using Containers.Tests.Tar;

namespace Containers.Tests.Pulling;

/// <summary>Registries and makers of images that mean ill: what they get is a refusal that names the image and the layer.</summary>
[Trait("Category", "Rootless")]
public sealed class HostilePullTests : IDisposable
{
    private const string Canary = "untouched";
    private readonly TemporaryDirectory _directory = new();

    public HostilePullTests() => File.WriteAllText(_directory["canary"], Canary);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task ALayer_ThatIsNotWhatTheConfigurationSays_IsRefused() =>
        await RequireRefusedAsync(PulledImage.Of([PulledImage.Gzip(PulledImage.Tar(1, 5000))], [Digest.Of(PulledImage.Tar(2, 5000))]), "where the configuration says");

    [Fact]
    public async Task AGzip_CutShort_IsRefused()
    {
        var tar = PulledImage.Tar(1, 300_000);
        foreach (var cut in (int[])[1000, 150_000, PulledImage.Gzip(tar).Length - 3])
        {
            await RequireRefusedAsync(PulledImage.Of([PulledImage.Gzip(tar)[..^cut]], [Digest.Of(tar)]), string.Empty);
        }
    }

    /// <summary>As gzip(1) does. The blob's digest is of all of it, the layer's of what it holds: nothing else can come of it.</summary>
    [Fact]
    public async Task WhatIsAfterAGzip_IsNoPartOfTheLayer()
    {
        var tar = PulledImage.Tar(1, 300_000);
        foreach (var garbage in (byte[][])[[0], "garbage"u8.ToArray(), new byte[100_000], TarBytes.Archive(TarBytes.Member('0', "more", [1]))])
        {
            var image = PulledImage.Of([[.. PulledImage.Gzip(tar), .. garbage]], [Digest.Of(tar)]);
            await using var registry = await MemoryRegistry.StartAsync(image);
            using var store = new PullingStore(_directory["store"]);
            await store.Images.PullAsync(registry.Reference);
            Assert.Equal(["data-1"], Directory.EnumerateFileSystemEntries(Assert.Single(store.Layers)).Select(Path.GetFileName));
            await store.Images.RemoveAsync(registry.Reference);
            await RequireUntouchedAsync(store);
        }

        // More of it is a part, which the configuration does not know.
        await RequireRefusedAsync(PulledImage.Of([[.. PulledImage.Gzip(tar), .. PulledImage.Gzip([1])]], [Digest.Of(tar)]), "where the configuration says");
    }

    [Fact]
    public async Task ABomb_EndsAtTheLimit()
    {
        var zeros = TarBytes.Archive(TarBytes.Member('0', "zeros", new byte[4 << 20]));
        await RequireRefusedAsync(PulledImage.Of([PulledImage.Gzip(zeros, CompressionLevel.SmallestSize)], [Digest.Of(zeros)]), "Ratio");
    }

    [Theory]
    [InlineData('0', "../canary", "")]
    [InlineData('0', "a/../../../../canary", "")]
    [InlineData('1', "link", "../../../canary")]
    [InlineData('0', "a/.wh...", "")]
    public async Task APathOutOfTheLayer_IsRefused(char kind, string path, string target)
    {
        var tar = TarBytes.Archive(TarBytes.Member(kind, path, kind == '0' ? "written"u8.ToArray() : [], target));
        await RequireRefusedAsync(PulledImage.Of([PulledImage.Gzip(tar)], [Digest.Of(tar)]), string.Empty);
    }

    [Fact]
    public async Task ALinkOutOfTheLayer_IsNotWrittenThrough()
    {
        var tar = TarBytes.Archive(
            TarBytes.Member('2', "out", [], _directory.Path), TarBytes.Member('0', "out/canary", "written"u8.ToArray()), TarBytes.Member('2', "canary", [], "../../../canary"), TarBytes.Member('0', "canary", "written"u8.ToArray()));
        await using var registry = await MemoryRegistry.StartAsync(PulledImage.Of([PulledImage.Gzip(tar)], [Digest.Of(tar)]));
        using var store = new PullingStore(_directory["store"]);
        await Record.ExceptionAsync(() => store.Images.PullAsync(registry.Reference));
        await RequireUntouchedAsync(store);
    }

    [Fact]
    public async Task Content_ThatIsNotWhatItsDigestSays_IsRefused_AndTheRightOneTakenAfterwards()
    {
        var image = PulledImage.Create((1, 100_000));
        var other = PulledImage.Create((2, 100_000));
        await using var registry = await MemoryRegistry.StartAsync(image);
        using var store = new PullingStore(_directory["store"]);
        foreach (var (expected, given) in ((byte[], byte[])[])[(image.Configuration, other.Configuration), (image.Blobs[0], other.Blobs[0]), (image.Blobs[0], image.Blobs[0][..^1]), (image.Blobs[0], [.. image.Blobs[0], 0])])
        {
            registry.Replace(expected, given);
            var refused = await Assert.ThrowsAsync<ImageException>(() => store.Images.PullAsync(registry.Reference));
            Assert.Contains(Digest.Of(expected).ToString(), refused.Message, StringComparison.Ordinal);
            Assert.Contains($"{registry.Host}/app", refused.Message, StringComparison.Ordinal);
            await RequireUntouchedAsync(store);
            registry.Add(image);
        }

        Assert.Equal(image.Digest.ToString(), (await store.Images.PullAsync(registry.Reference)).Digest);
        await store.RequireCleanAfterPruneAsync();
    }

    private async Task RequireRefusedAsync(PulledImage image, string reason)
    {
        await using var registry = await MemoryRegistry.StartAsync(image);
        using var store = new PullingStore(_directory["store"], static options => options.Limits = options.Limits with { RatioFrom = 1 << 20 });
        var refused = await Assert.ThrowsAsync<ImageException>(() => store.Images.PullAsync(registry.Reference));
        Assert.Contains(registry.Reference, refused.Message, StringComparison.Ordinal);
        Assert.Contains(Digest.Of(image.Blobs[0]).ToString(), refused.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        await RequireUntouchedAsync(store);
    }

    private async Task RequireUntouchedAsync(PullingStore store)
    {
        await store.RequireCleanAfterPruneAsync();
        Assert.Equal(["canary", "store"], Directory.EnumerateFileSystemEntries(_directory.Path).Select(Path.GetFileName).Order());
        Assert.Equal(Canary, await File.ReadAllTextAsync(_directory["canary"]));
        Assert.True(store.Layers.Count == 0 || store.Layers.All(layer => layer.StartsWith(_directory["store"], StringComparison.Ordinal)));
    }
}
