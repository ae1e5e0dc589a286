using Containers.Store;
using Containers.Streams;

namespace Containers.Pulling;

/// <summary>Everything that is read of a layer's blob is stored as well, so that it is unpacked while it comes.</summary>
internal sealed class TeeStream(Stream source, BlobWriter writer, LayerProgress progress) : InputStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        await writer.WriteAsync(buffer[..count], cancellationToken).ConfigureAwait(false);
        progress.Add(count);
        return count;
    }

    /// <summary>Reads what nobody wanted: a blob has bytes after the end of what it holds.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        var rest = new byte[81920];
        while (await ReadAsync(rest, cancellationToken).ConfigureAwait(false) > 0)
        {
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            source.Dispose();
        }

        base.Dispose(disposing);
    }
}
