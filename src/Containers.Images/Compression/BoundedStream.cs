using Containers.Layers;
using Containers.Streams;

namespace Containers.Compression;

/// <summary>
/// What comes out of a decompressor, within bounds: a few bytes can stand for terabytes. What the decompressor finds wrong is said as
/// everywhere else.
/// </summary>
internal sealed class BoundedStream(Stream content, CountedStream source, LayerCompression kind, LayerLimits limits) : InputStream
{
    private long _count;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return Count(await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception exception) when (IsCorrupt(exception))
        {
            throw Corrupt(exception);
        }
    }

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return Count(content.Read(buffer));
        }
        catch (Exception exception) when (IsCorrupt(exception))
        {
            throw Corrupt(exception);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            content.Dispose();
            source.Dispose();
        }

        base.Dispose(disposing);
    }

    private static bool IsCorrupt(Exception exception) =>
        exception is InvalidDataException or ZstdSharp.ZstdException or EndOfStreamException;

    private ImageException Corrupt(Exception exception) =>
        new("decompress the layer", null, $"It is no intact {LayerCompressions.Name(kind)}, or asks for more than 128 MiB of memory: {exception.Message}", exception);

    private int Count(int read)
    {
        _count += read;
        if (_count > limits.UncompressedBytes)
        {
            throw LayerLimits.Exceeded(nameof(LayerLimits.UncompressedBytes), limits.UncompressedBytes);
        }

        if (_count > limits.RatioFrom && _count / limits.Ratio > source.Count)
        {
            throw LayerLimits.Exceeded(nameof(LayerLimits.Ratio), limits.Ratio);
        }

        return read;
    }
}
