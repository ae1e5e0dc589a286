using Containers.Streams;

namespace Containers.Compression;

/// <summary>A stream whose first bytes were read already, counting what is read of it.</summary>
internal sealed class CountedStream(Stream stream, ReadOnlyMemory<byte> start) : InputStream
{
    private ReadOnlyMemory<byte> _start = start;

    public long Count { get; private set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = TakeStart(buffer.Span);
        if (read == 0)
        {
            read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }

        Count += read;
        return read;
    }

    public override int Read(Span<byte> buffer)
    {
        var read = TakeStart(buffer);
        read = read == 0 ? stream.Read(buffer) : read;
        Count += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            stream.Dispose();
        }

        base.Dispose(disposing);
    }

    private int TakeStart(Span<byte> buffer)
    {
        var count = Math.Min(_start.Length, buffer.Length);
        _start.Span[..count].CopyTo(buffer);
        _start = _start[count..];
        return count;
    }
}
