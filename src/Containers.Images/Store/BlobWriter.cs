using System.Buffers;
using System.Security.Cryptography;
using Containers.Interop;
using Containers.Oci;
using Microsoft.Win32.SafeHandles;

namespace Containers.Store;

/// <summary>
/// Writes one blob, hashed and counted as it comes. It gets its name in <see cref="CommitAsync"/>, when digest and size are right and
/// all of it is on the disk; disposed before that, it is gone, or stays to be continued where it was begun so.
/// </summary>
internal sealed class BlobWriter : IAsyncDisposable
{
    private const int BufferSize = 128 * 1024;
    private readonly StoreLayout _layout;
    private readonly Hold? _hold;
    private readonly FileLock? _partial;
    private readonly string _path;
    private readonly Digest? _expected;
    private readonly long? _size;
    private readonly SafeFileHandle _handle;
    private IncrementalHash _hash;
    private bool _isKept;
    private bool _isPublished;
    private bool _isDisposed;

    private BlobWriter(StoreLayout layout, Hold? hold, FileLock? partial, string path, SafeFileHandle handle, Digest? expected, long? size)
    {
        _layout = layout;
        _hold = hold;
        _partial = partial;
        _path = path;
        _handle = handle;
        _expected = expected;
        _size = size;
        _hash = NewHash();
        _isKept = partial is not null;
    }

    /// <summary>Bytes written, those of an earlier attempt with them: where a download continues.</summary>
    public long Length { get; private set; }

    /// <summary>All of it came, and it was not what was promised.</summary>
    public bool IsWrong { get; private set; }

    internal static BlobWriter Create(StoreLayout layout, Hold hold, string path, Digest? expected, long? size)
    {
        try
        {
            var handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.Asynchronous);
            return new BlobWriter(layout, hold, null, path, handle, expected, size);
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception))
        {
            throw StoreErrors.From("create", path, exception);
        }
    }

    /// <summary>Continues a file of which everything was hashed by an earlier writer, which is not here to tell: it is read again.</summary>
    internal static BlobWriter Resume(StoreLayout layout, FileLock partial, Digest expected, long? size)
    {
        var writer = new BlobWriter(layout, null, partial, layout.PartialOf(expected), partial.Handle, expected, size);
        try
        {
            var length = RandomAccess.GetLength(partial.Handle);
            if (length > size)
            {
                writer.Restart();
            }
            else
            {
                writer.HashExisting(length);
            }

            return writer;
        }
        catch (IOException exception)
        {
            // Nothing that cannot be read can be continued.
            partial.Remove();
            partial.Dispose();
            throw StoreErrors.From("read", layout.PartialOf(expected), exception);
        }
    }

    /// <summary>Forgets what was written: the source cannot continue where it stopped.</summary>
    public void Restart()
    {
        try
        {
            RandomAccess.SetLength(_handle, 0);
        }
        catch (IOException exception)
        {
            throw StoreErrors.From("truncate", _path, exception);
        }

        _hash.Dispose();
        _hash = NewHash();
        (Length, IsWrong, _isKept) = (0, false, _partial is not null);
    }

    /// <summary>Nothing of it is kept to be continued.</summary>
    public void Discard() => _isKept = false;

    /// <exception cref="ImageException">It is more than the size that was promised, or cannot be stored.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (Length + bytes.Length > _size)
        {
            _isKept = false;
            throw new ImageException("store the blob", Name, $"It is longer than the {_size} bytes that its descriptor says.");
        }

        try
        {
            await RandomAccess.WriteAsync(_handle, bytes, Length, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception))
        {
            // What takes the last of the disk away must not stay on it.
            _isKept = false;
            throw StoreErrors.From("write the blob", _path, exception);
        }

        _hash.AppendData(bytes.Span);
        Length += bytes.Length;
    }

    /// <summary>Writes the source to its end.</summary>
    public async ValueTask CopyFromAsync(Stream source, CancellationToken cancellationToken = default)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            int count;
            while ((count = await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                await WriteAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Compares digest and size, forces it to the disk, and gives it its name.</summary>
    /// <exception cref="ImageException">It is not what was promised; nothing of it is kept then, unless it is only too short.</exception>
    public async ValueTask<Digest> CommitAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (Length < _size)
        {
            throw new ImageException("store the blob", Name, $"It ended after {Length} of the {_size} bytes that its descriptor says.");
        }

        var actual = _expected?.Algorithm == Digest.Sha512 ? Digest.FromSha512(_hash.GetCurrentHash()) : Digest.FromSha256(_hash.GetCurrentHash());
        if (_expected is { } expected && actual != expected)
        {
            (_isKept, IsWrong) = (false, true);
            throw new ImageException("store the blob", Name, $"Its content is {actual}: it was changed on its way, or is not what was asked for.");
        }

        if (_hold is not null)
        {
            await _hold.AddAsync(actual, cancellationToken).ConfigureAwait(false);
        }

        await Task.Run(() => Publish(actual), cancellationToken).ConfigureAwait(false);
        return actual;
    }

    public ValueTask DisposeAsync()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            // What was published has let go of its old name, which may be another's by now.
            if (!_isPublished && (!_isKept || Length == 0))
            {
                Libc.Unlink(_path);
            }

            _hash.Dispose();
            _handle.Dispose();
            _partial?.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private string Name => _expected?.ToString() ?? _path;

    private void Publish(Digest digest)
    {
        var path = _layout.Blob(digest);
        try
        {
            DurableFile.Sync(_handle, _path);
            DurableFile.Move(_path, path);
        }
        catch (ImageException)
        {
            _isKept = false;
            throw;
        }

        _isPublished = true;
        DurableFile.SyncDirectory(Path.GetDirectoryName(path)!);
    }

    private void HashExisting(long length)
    {
        if (length == 0)
        {
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            int count;
            while (Length < length && (count = RandomAccess.Read(_handle, buffer, Length)) > 0)
            {
                _hash.AppendData(buffer.AsSpan(0, count));
                Length += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private IncrementalHash NewHash() =>
        IncrementalHash.CreateHash(_expected?.Algorithm == Digest.Sha512 ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);
}
