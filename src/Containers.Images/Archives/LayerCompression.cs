using System.IO.Compression;
using Containers.Oci;
using ZstdSharp;

namespace Containers.Archives;

internal enum CompressionKind
{
    None,
    Gzip,
    Zstd,
}

/// <summary>Tells by its first bytes how something is compressed, and unpacks it.</summary>
internal static class LayerCompression
{
    public const int MagicLength = 4;

    public static CompressionKind Detect(ReadOnlySpan<byte> magic) => magic switch
    {
        [0x1f, 0x8b, ..] => CompressionKind.Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => CompressionKind.Zstd,
        _ => CompressionKind.None,
    };

    public static string MediaType(this CompressionKind kind) => kind switch
    {
        CompressionKind.Gzip => MediaTypes.LayerGzip,
        CompressionKind.Zstd => MediaTypes.LayerZstd,
        _ => MediaTypes.Layer,
    };

    public static CompressionKind Of(string? mediaType) => mediaType switch
    {
        MediaTypes.LayerGzip or MediaTypes.DockerLayerGzip => CompressionKind.Gzip,
        MediaTypes.LayerZstd => CompressionKind.Zstd,
        _ => CompressionKind.None,
    };

    /// <summary>The content; the compressed stream stays open when it is disposed.</summary>
    public static Stream Open(CompressionKind kind, Stream stream) => kind switch
    {
        CompressionKind.Gzip => new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true),
        CompressionKind.Zstd => new DecompressionStream(stream, leaveOpen: true),
        _ => new Borrowed(stream),
    };

    /// <summary>The content; the compressed stream is closed with it.</summary>
    public static Stream OpenOwned(CompressionKind kind, Stream stream) => kind switch
    {
        CompressionKind.Gzip => new GZipStream(stream, CompressionMode.Decompress),
        CompressionKind.Zstd => new DecompressionStream(stream, leaveOpen: false),
        _ => stream,
    };

    /// <summary>A stream that is somebody else's to close.</summary>
    private sealed class Borrowed(Stream stream) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => stream.Length;

        public override long Position
        {
            get => stream.Position;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => stream.Read(buffer, offset, count);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            stream.ReadAsync(buffer, offset, count, cancellationToken);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            stream.ReadAsync(buffer, cancellationToken);

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
