using System.IO.Compression;
using Containers.Oci;
using ZstdSharp;

namespace Containers.Compression;

/// <summary>How a layer's bytes are stored.</summary>
internal enum LayerCompression
{
    None,
    Gzip,
    Zstd,
}

/// <summary>Finds out how bytes are compressed by what they begin with, and undoes or does it.</summary>
internal static class LayerCompressions
{
    /// <summary>128 MiB, the most that a zstd frame may have its reader hold; what zstd(1) allows without being asked.</summary>
    private const int LargestWindowLog = 27;

    /// <summary>So many bytes tell all kinds apart.</summary>
    public const int MagicLength = 6;

    /// <summary>What the media type says it is; null where it says nothing of layers.</summary>
    public static LayerCompression? Of(string? mediaType) => mediaType switch
    {
        MediaTypes.Layer or MediaTypes.DockerLayer => LayerCompression.None,
        MediaTypes.LayerGzip or MediaTypes.DockerLayerGzip => LayerCompression.Gzip,
        MediaTypes.LayerZstd => LayerCompression.Zstd,
        _ => null,
    };

    /// <exception cref="ImageException">It is a kind that no layer may have.</exception>
    public static LayerCompression Detect(ReadOnlySpan<byte> start) => start switch
    {
        [0x1f, 0x8b, ..] => LayerCompression.Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => LayerCompression.Zstd,

        // A skippable frame, with which some writers begin.
        [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18, ..] => LayerCompression.Zstd,
        [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, ..] => throw Unknown("xz"),
        [(byte)'B', (byte)'Z', (byte)'h', ..] => throw Unknown("bzip2"),
        _ => LayerCompression.None,
    };

    /// <summary>
    /// The layer uncompressed. What the bytes are decides; a media type that says otherwise is refused, except that Docker's and OCI's
    /// types of gzip have been put on uncompressed layers and on zstd ones, which every engine takes. A gzip that is cut short ends early
    /// without an error, as .NET's own stream has it: the archive in it, and the digests, tell.
    /// </summary>
    /// <param name="compressed">The stored layer; disposed with the result.</param>
    /// <param name="mediaType">What it is said to be, if that is known.</param>
    /// <param name="limits">What may come of it.</param>
    /// <param name="cancellationToken">Stops waiting for the first bytes.</param>
    public static async ValueTask<Stream> OpenAsync(Stream compressed, string? mediaType, Layers.LayerLimits limits, CancellationToken cancellationToken)
    {
        var start = new byte[MagicLength];
        var length = await compressed.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        var kind = Detect(start.AsSpan(0, length));
        if (Of(mediaType) is { } said && said != kind && said != LayerCompression.Gzip)
        {
            throw new ImageException("decompress the layer", null, $"Its media type is {mediaType}, and its content is {Name(kind)}.");
        }

        var source = new CountedStream(compressed, start.AsMemory(0, length));
        Stream content = kind switch
        {
            LayerCompression.Gzip => new GZipStream(source, CompressionMode.Decompress),
            LayerCompression.Zstd => OpenZstd(source),
            _ => source,
        };
        return new BoundedStream(content, source, kind, limits);
    }

    /// <summary>Compresses what is written to it; disposing ends it, and leaves <paramref name="target"/> open. The same input gives the same bytes.</summary>
    public static Stream Compress(Stream target, LayerCompression kind, CompressionLevel level = CompressionLevel.Fastest) => kind switch
    {
        // Its header has neither time nor name.
        LayerCompression.Gzip => new GZipStream(target, level, leaveOpen: true),
        LayerCompression.Zstd => CreateZstd(target, level == CompressionLevel.SmallestSize ? 19 : 3),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    public static string Name(LayerCompression kind) => kind switch
    {
        LayerCompression.Gzip => "gzip",
        LayerCompression.Zstd => "zstd",
        _ => "not compressed",
    };

    private static DecompressionStream OpenZstd(Stream source)
    {
        var stream = new DecompressionStream(source, leaveOpen: false);
        stream.SetParameter(ZstdSharp.Unsafe.ZSTD_dParameter.ZSTD_d_windowLogMax, LargestWindowLog);
        return stream;
    }

    private static CompressionStream CreateZstd(Stream target, int level)
    {
        var stream = new CompressionStream(target, level, leaveOpen: true);
        stream.SetParameter(ZstdSharp.Unsafe.ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        return stream;
    }

    private static ImageException Unknown(string name) =>
        new("decompress the layer", null, $"It is compressed with {name}. Layers are compressed with gzip or zstd, or not at all; make the image again.");
}
