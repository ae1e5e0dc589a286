using Containers.Pulling;
using Containers.Streams;

namespace Containers.Pushing;

/// <summary>A blob that tells how much of it was read.</summary>
internal sealed class ReportingStream(Stream content, LayerProgress progress) : InputStream
{
    public override bool CanSeek => content.CanSeek;

    public override long Length => content.Length;

    public override long Position
    {
        get => content.Position;
        set => content.Position = value;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        progress.Add(count);
        return count;
    }

    public override long Seek(long offset, SeekOrigin origin) => content.Seek(offset, origin);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            content.Dispose();
        }

        base.Dispose(disposing);
    }
}
