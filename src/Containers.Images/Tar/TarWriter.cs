using System.Buffers;

namespace Containers.Tar;

/// <summary>
/// Writes an archive whose bytes follow from its members alone: ustar, with a PAX header before what ustar cannot express, and nothing
/// in it of who writes it or when.
/// </summary>
internal sealed class TarWriter : IDisposable
{
    private const int BufferSize = 1 << 18;
    private const int EndBlocks = 2;

    private readonly Stream _stream;
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private int _end;
    private long _remaining;
    private int _padding;
    private bool _isDisposed;

    /// <summary>Writes to <paramref name="stream"/>, which stays the caller's.</summary>
    public TarWriter(Stream stream) => _stream = stream;

    /// <summary>Bytes written so far, those that wait in the buffer with them.</summary>
    public long Length { get; private set; }

    /// <summary>Writes a member with all its content.</summary>
    public async ValueTask WriteAsync(TarEntry entry, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        if (content.Length != (entry.Kind == TarEntryKind.File ? entry.Size : 0))
        {
            throw new ArgumentException("The content is not as long as the member's size says.", nameof(content));
        }

        await StartAsync(entry, cancellationToken).ConfigureAwait(false);
        while (!content.IsEmpty)
        {
            var part = await GetMemoryAsync(cancellationToken).ConfigureAwait(false);
            var count = Math.Min(part.Length, content.Length);
            content[..count].CopyTo(part);
            Advance(count);
            content = content[count..];
        }
    }

    /// <summary>Writes a member and as much content as its size says.</summary>
    /// <exception cref="ImageException">The content is shorter.</exception>
    public async ValueTask WriteAsync(TarEntry entry, Stream content, CancellationToken cancellationToken)
    {
        await StartAsync(entry, cancellationToken).ConfigureAwait(false);
        while (_remaining > 0)
        {
            var part = await GetMemoryAsync(cancellationToken).ConfigureAwait(false);
            var read = await content.ReadAsync(part, cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                throw new ImageException("write to the archive", entry.ToString(), $"Its content ends {_remaining} bytes too early.");
            }

            Advance(read);
        }
    }

    /// <summary>Begins a member. Its content follows by <see cref="GetMemoryAsync"/> and <see cref="Advance"/>.</summary>
    public async ValueTask StartAsync(TarEntry entry, CancellationToken cancellationToken)
    {
        await FinishMemberAsync(cancellationToken).ConfigureAwait(false);
        foreach (var block in TarHeaderWriter.Blocks(entry))
        {
            await AppendAsync(block, cancellationToken).ConfigureAwait(false);
        }

        _remaining = entry.Kind == TarEntryKind.File ? entry.Size : 0;
        _padding = (int)(-_remaining & (TarHeader.BlockSize - 1));
    }

    /// <summary>Room for the next bytes of the current member; never more than it still lacks, empty when it lacks none.</summary>
    public async ValueTask<Memory<byte>> GetMemoryAsync(CancellationToken cancellationToken)
    {
        if (_end == _buffer.Length)
        {
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        return _buffer.AsMemory(_end, (int)Math.Min(_remaining, _buffer.Length - _end));
    }

    /// <summary>So many bytes were put there.</summary>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _remaining);
        _end += count;
        Length += count;
        _remaining -= count;
    }

    /// <summary>Ends the archive, and hands everything to the stream.</summary>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        await FinishMemberAsync(cancellationToken).ConfigureAwait(false);
        await AppendAsync(new byte[EndBlocks * TarHeader.BlockSize], cancellationToken).ConfigureAwait(false);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        await _stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }

    private async ValueTask FinishMemberAsync(CancellationToken cancellationToken)
    {
        if (_remaining > 0)
        {
            throw new InvalidOperationException($"The last member lacks {_remaining} bytes of its content.");
        }

        if (_padding > 0)
        {
            await AppendAsync(new byte[_padding], cancellationToken).ConfigureAwait(false);
            _padding = 0;
        }
    }

    private async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        Length += bytes.Length;
        while (!bytes.IsEmpty)
        {
            if (_end == _buffer.Length)
            {
                await FlushAsync(cancellationToken).ConfigureAwait(false);
            }

            var count = Math.Min(bytes.Length, _buffer.Length - _end);
            bytes[..count].CopyTo(_buffer.AsMemory(_end));
            _end += count;
            bytes = bytes[count..];
        }
    }

    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        await _stream.WriteAsync(_buffer.AsMemory(0, _end), cancellationToken).ConfigureAwait(false);
        _end = 0;
    }
}
