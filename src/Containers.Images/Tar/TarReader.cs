using System.Buffers;

namespace Containers.Tar;

/// <summary>
/// Reads an archive front to back: v7, ustar, PAX, GNU tar with its long names and sparse files, star. Everything in it may be malformed
/// on purpose; what cannot be right throws, and nothing grows with what a header says but up to <see cref="TarLimits"/>.
/// The content of a member is lent from the reader's own buffer, without a copy.
/// </summary>
internal sealed class TarReader : IDisposable
{
    private const int BufferSize = 1 << 18;

    private readonly Stream _stream;
    private readonly TarLimits _limits;
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private PaxRecords? _global;
    private int _start;
    private int _end;
    private long _remaining;
    private int _padding;
    private bool _isAtEnd;
    private bool _isDisposed;
    private TarEntry? _current;

    /// <summary>Reads from <paramref name="stream"/>, which stays the caller's.</summary>
    public TarReader(Stream stream, TarLimits? limits = null)
    {
        _stream = stream;
        _limits = limits ?? TarLimits.Default;
        Content = new TarContentStream(this);
    }

    /// <summary>What is stored of the current member; it ends where the member does. Not for sparse files.</summary>
    public Stream Content { get; }

    internal bool HasHoles => _current?.Segments is not null;

    /// <summary>The next member, whatever of the last one's content was left unread; null at the end of the archive.</summary>
    /// <exception cref="ImageException">The archive is malformed, cut short, or past a limit.</exception>
    public async ValueTask<TarEntry?> ReadEntryAsync(CancellationToken cancellationToken)
    {
        await SkipContentAsync(cancellationToken).ConfigureAwait(false);
        var header = new TarHeaderParser(_limits, _global);
        _current = null;
        while (!_isAtEnd)
        {
            if (!await FillAsync(TarHeader.BlockSize, cancellationToken).ConfigureAwait(false))
            {
                // Archives without the two blocks of zeros exist; headers without their member do not.
                _isAtEnd = _start == _end && header.IsEmpty ? true : throw Truncated();
                break;
            }

            if (!_buffer.AsSpan(_start, TarHeader.BlockSize).ContainsAnyExcept((byte)0))
            {
                await EndAsync(header, cancellationToken).ConfigureAwait(false);
                break;
            }

            var kind = header.Read(Take(TarHeader.BlockSize).Span);
            if (kind == TarHeaderKind.Metadata)
            {
                header.TakeMetadata(await ReadBlocksAsync(header.MetadataLength, cancellationToken).ConfigureAwait(false));
                continue;
            }

            if (kind == TarHeaderKind.Ignored)
            {
                StartContent(header.StoredSize);
                await SkipContentAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            while (header.NeedsSparseExtension)
            {
                await RequireAsync(TarHeader.BlockSize, cancellationToken).ConfigureAwait(false);
                header.ReadSparseExtension(Take(TarHeader.BlockSize).Span);
            }

            StartContent(header.StoredSize);
            if (header.HasMapInContent)
            {
                await ReadSparseMapAsync(header, cancellationToken).ConfigureAwait(false);
            }

            _global = header.Global;
            return _current = header.ToEntry(_remaining);
        }

        return null;
    }

    /// <summary>The next part of what is stored of the current member, valid until the next call; empty at its end.</summary>
    /// <exception cref="ImageException">The archive is cut short.</exception>
    public ValueTask<ReadOnlyMemory<byte>> ReadContentAsync(CancellationToken cancellationToken)
    {
        if (_start < _end || _remaining == 0)
        {
            return new(TakeContent(int.MaxValue));
        }

        return ReadMoreAsync(cancellationToken);

        async ValueTask<ReadOnlyMemory<byte>> ReadMoreAsync(CancellationToken cancellationToken)
        {
            await RequireAsync(1, cancellationToken).ConfigureAwait(false);
            return TakeContent(int.MaxValue);
        }
    }

    internal async ValueTask<int> ReadContentAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        if (_remaining > 0)
        {
            await RequireAsync(1, cancellationToken).ConfigureAwait(false);
        }

        var content = TakeContent(target.Length);
        content.CopyTo(target);
        return content.Length;
    }

    /// <summary>
    /// Reads on to the end of the stream, past the end of the archive: a digest is one of all the bytes, and a program at the other end of a
    /// pipe is not cut off.
    /// </summary>
    public async ValueTask DrainAsync(CancellationToken cancellationToken)
    {
        _remaining = 0;
        _padding = 0;
        _isAtEnd = true;
        do
        {
            _start = _end;
        }
        while (await FillAsync(1, cancellationToken).ConfigureAwait(false));
    }

    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }

    private static ImageException Truncated() => new("read the archive", null, "It ends in the middle. Fetch or make it again.");

    /// <summary>Two blocks of zeros end an archive, and what comes after them is none of it; one alone is what a damaged one has.</summary>
    private async ValueTask EndAsync(TarHeaderParser header, CancellationToken cancellationToken)
    {
        if (!header.IsEmpty)
        {
            throw Truncated();
        }

        Take(TarHeader.BlockSize);
        if (await FillAsync(TarHeader.BlockSize, cancellationToken).ConfigureAwait(false)
            && _buffer.AsSpan(_start, TarHeader.BlockSize).ContainsAnyExcept((byte)0))
        {
            throw new ImageException("read the archive", null, "A lone block of zeros is between its members: it is damaged.");
        }

        _isAtEnd = true;
    }

    private void StartContent(long size)
    {
        _remaining = size;
        _padding = (int)(-size & (TarHeader.BlockSize - 1));
    }

    private async ValueTask SkipContentAsync(CancellationToken cancellationToken)
    {
        // A size close to 2^63 must not overflow with its padding.
        while (_remaining > 0 || _padding > 0)
        {
            if (!await FillAsync(1, cancellationToken).ConfigureAwait(false))
            {
                // What umoci inserts ends with the last byte of its content, and Go's reader, which is Docker's and podman's, lets it.
                _padding = _remaining == 0 ? 0 : throw Truncated();
                return;
            }

            if (TakeContent(int.MaxValue).IsEmpty)
            {
                var count = Math.Min(_end - _start, _padding);
                _padding -= count;
                _start += count;
            }
        }
    }

    private async ValueTask<byte[]> ReadBlocksAsync(int length, CancellationToken cancellationToken)
    {
        StartContent(length);
        var bytes = new byte[length];
        for (var done = 0; done < length;)
        {
            done += await ReadContentAsync(bytes.AsMemory(done), cancellationToken).ConfigureAwait(false);
        }

        await SkipContentAsync(cancellationToken).ConfigureAwait(false);
        return bytes;
    }

    /// <summary>Sparse format 1.0: before the content, decimal numbers a line each, padded to a block.</summary>
    private async ValueTask ReadSparseMapAsync(TarHeaderParser header, CancellationToken cancellationToken)
    {
        do
        {
            if (_remaining < TarHeader.BlockSize)
            {
                throw header.Malformed("its map of holes is cut short");
            }

            await RequireAsync(TarHeader.BlockSize, cancellationToken).ConfigureAwait(false);
            _remaining -= TarHeader.BlockSize;
        }
        while (!header.ReadSparseMapBlock(Take(TarHeader.BlockSize).Span));
    }

    private ReadOnlyMemory<byte> TakeContent(int most)
    {
        var count = (int)Math.Min(_remaining, Math.Min(most, _end - _start));
        _remaining -= count;
        return Take(count);
    }

    private ReadOnlyMemory<byte> Take(int count)
    {
        var taken = _buffer.AsMemory(_start, count);
        _start += count;
        return taken;
    }

    private async ValueTask RequireAsync(int count, CancellationToken cancellationToken)
    {
        if (!await FillAsync(count, cancellationToken).ConfigureAwait(false))
        {
            throw Truncated();
        }
    }

    /// <summary>Has that many bytes in one piece; false where the stream ends before.</summary>
    private ValueTask<bool> FillAsync(int count, CancellationToken cancellationToken)
    {
        return _end - _start >= count ? new(true) : ReadAsync(count, cancellationToken);

        async ValueTask<bool> ReadAsync(int count, CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _buffer.AsSpan(_start.._end).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            while (_end < count)
            {
                var read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    return false;
                }

                _end += read;
            }

            return true;
        }
    }
}
