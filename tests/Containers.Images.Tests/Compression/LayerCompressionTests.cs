using System.IO.Compression;
using Containers.Compression;
using Containers.Layers;
using Containers.Oci;

namespace Containers.Tests.Compression;

[Trait("Category", "Rootless")]
public sealed class LayerCompressionTests
{
    private static readonly byte[] Text = [.. Enumerable.Range(0, 300_000).Select(i => (byte)((i * 7919) >> 5))];

    [Theory]
    [InlineData("Gzip")]
    [InlineData("Zstd")]
    public async Task WhatIsCompressed_ComesBack_AndIsTheSameEachTime(string name)
    {
        var kind = Enum.Parse<LayerCompression>(name);
        var compressed = Compress(kind, Text);

        Assert.Equal(compressed, Compress(kind, Text));
        Assert.Equal(Text, await OpenAsync(compressed));
        Assert.Equal(Text, await OpenAsync([.. Compress(kind, Text[..1000]), .. Compress(kind, Text[1000..])]));
    }

    [Fact]
    public async Task ZstdFrames_ThatAreSkipped_AndLayersNotCompressed()
    {
        byte[] skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        Assert.Equal(Text, await OpenAsync([.. skippable, .. Compress(LayerCompression.Zstd, Text), .. skippable]));
        Assert.Equal(Text, await OpenAsync(Text));
        Assert.Empty(await OpenAsync([]));
    }

    [Fact]
    public async Task Programs_ReadIt_AndAreRead()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllBytesAsync(directory["f"], Text, TestContext.Current.CancellationToken);
        Tool.Run("gzip", "-k", directory["f"]);
        Tool.Run("zstd", "-q", "-19", directory["f"]);
        foreach (var (name, kind) in ((string, LayerCompression)[])[("f.gz", LayerCompression.Gzip), ("f.zst", LayerCompression.Zstd)])
        {
            Assert.Equal(Text, await OpenAsync(await File.ReadAllBytesAsync(directory[name], TestContext.Current.CancellationToken)));
            await File.WriteAllBytesAsync(directory[name], Compress(kind, Text), TestContext.Current.CancellationToken);
        }

        Tool.Run("gzip", "-t", directory["f.gz"]);
        Tool.Run("zstd", "-q", "-t", directory["f.zst"]);
    }

    [Theory]
    [InlineData("Gzip", 1000)]
    [InlineData("Zstd", 1000)]
    public async Task WhatIsCutShort_OrChanged_IsRefused(string name, int at)
    {
        var kind = Enum.Parse<LayerCompression>(name);
        var compressed = Compress(kind, Text);
        if (kind == LayerCompression.Zstd)
        {
            await RefusedAsync(compressed[..^1], "no intact");
            await RefusedAsync(compressed[..(compressed.Length / 2)], "no intact");
        }

        compressed[at] ^= 0x55;
        compressed[^6] ^= 0x55;
        await RefusedAsync(compressed, "no intact");
    }

    [Fact]
    public async Task OtherKinds_AreNamed_AndMediaTypesMustBeTrue()
    {
        await RefusedAsync([0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, 0], "compressed with xz");
        await RefusedAsync([.. "BZh91AY"u8], "compressed with bzip2");
        await RefusedAsync(Compress(LayerCompression.Gzip, Text), "its content is gzip", MediaTypes.LayerZstd);
        await RefusedAsync(Compress(LayerCompression.Zstd, Text), "its content is zstd", MediaTypes.Layer);
        Assert.Equal(Text, await OpenAsync(Compress(LayerCompression.Gzip, Text), MediaTypes.DockerLayerGzip));
    }

    [Fact]
    public async Task Bombs_EndAtTheLimit()
    {
        var limits = new LayerLimits { RatioFrom = 1 << 20 };
        foreach (var kind in (LayerCompression[])[LayerCompression.Gzip, LayerCompression.Zstd])
        {
            var bomb = Compress(kind, new byte[64 << 20]);
            await RefusedAsync(bomb, "limit Ratio of 200", limits: limits);
            await RefusedAsync(bomb, "limit UncompressedBytes", limits: new LayerLimits { UncompressedBytes = 1 << 20 });
        }

        // A frame of which the header asks for a window of 2 GiB.
        await RefusedAsync([0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0], "128 MiB");

        // Frames without content, one after the other, take nothing but their time.
        Assert.Empty(await OpenAsync([.. Enumerable.Repeat<byte[]>([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0], 100_000).SelectMany(frame => frame)]));
    }

    private static byte[] Compress(LayerCompression kind, byte[] content)
    {
        var compressed = new MemoryStream();
        using (var stream = LayerCompressions.Compress(compressed, kind, CompressionLevel.Optimal))
        {
            stream.Write(content);
        }

        return compressed.ToArray();
    }

    private static async Task<byte[]> OpenAsync(byte[] compressed, string? mediaType = null, LayerLimits? limits = null)
    {
        await using var layer = await LayerCompressions.OpenAsync(
            new MemoryStream(compressed), mediaType, limits ?? LayerLimits.Default, TestContext.Current.CancellationToken);
        var content = new MemoryStream();
        await layer.CopyToAsync(content, TestContext.Current.CancellationToken);
        return content.ToArray();
    }

    private static async Task RefusedAsync(byte[] compressed, string why, string? mediaType = null, LayerLimits? limits = null) =>
        Assert.Contains(why, (await Assert.ThrowsAsync<ImageException>(() => OpenAsync(compressed, mediaType, limits))).Message, StringComparison.Ordinal);
}
