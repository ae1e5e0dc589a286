using System.Buffers;
using System.Security.Cryptography;
using Containers.Interop;
using Containers.Oci;

namespace Containers.Store;

/// <summary>Content by its digest. A blob that has its name is whole, on the disk, and was what its digest says when it got it.</summary>
internal sealed class BlobStore(StoreLayout layout, StoreSession session)
{
    /// <summary>No manifest, index or configuration may be larger; registries and other engines have the same bound.</summary>
    public const int MaxDocumentSize = 4 * 1024 * 1024;

    public bool Contains(Digest digest) => Size(digest) is not null;

    /// <summary>Its size in bytes; null where it is not there.</summary>
    public long? Size(Digest digest)
    {
        var file = new FileInfo(layout.Blob(digest));
        return file.Exists ? file.Length : null;
    }

    /// <summary>The content, to be read from its beginning on or from anywhere; it is not checked again.</summary>
    /// <exception cref="ImageException">It is not in the store, or cannot be read.</exception>
    public FileStream OpenRead(Digest digest)
    {
        // Not opened by the runtime, which would want a lock: its writer has one until a moment after the blob has its name.
        var handle = Libc.OpenFile(layout.Blob(digest), Libc.OpenReadOnly | Libc.OpenNoFollow | Libc.OpenCloseOnExec);
        if (!handle.IsInvalid)
        {
            return new FileStream(handle, FileAccess.Read, bufferSize: 0);
        }

        var errno = ErrnoNames.Last;
        handle.Dispose();
        throw errno == Errno.ENOENT
            ? new ImageException("read the blob", layout.Blob(digest), "It is not in the store: pull the image again.")
            : StoreErrors.From("read the blob", layout.Blob(digest), errno);
    }

    /// <summary>A manifest, an index or a configuration, checked against its digest.</summary>
    /// <exception cref="ImageException">It is not there, too large for a document, or not what its digest says.</exception>
    public async ValueTask<byte[]> ReadDocumentAsync(Digest digest, CancellationToken cancellationToken = default)
    {
        var file = OpenRead(digest);
        await using (file.ConfigureAwait(false))
        {
            if (file.Length > MaxDocumentSize)
            {
                throw new ImageException("read the document", layout.Blob(digest), $"It has {file.Length} bytes, and no document has more than {MaxDocumentSize}.");
            }

            try
            {
                var content = new byte[file.Length];
                await file.ReadExactlyAsync(content, cancellationToken).ConfigureAwait(false);
                var actual = digest.Algorithm == Digest.Sha512 ? Digest.FromSha512(SHA512.HashData(content)) : Digest.Of(content);
                return actual == digest ? content : throw Corrupt(digest, actual);
            }
            catch (Exception exception) when (StoreErrors.IsOfFiles(exception))
            {
                throw StoreErrors.From("read the blob", layout.Blob(digest), exception);
            }
        }
    }

    /// <summary>Reads it all and compares; true if it is what its digest says.</summary>
    public async Task<bool> VerifyAsync(Digest digest, CancellationToken cancellationToken = default)
    {
        var file = OpenRead(digest);
        await using (file.ConfigureAwait(false))
        {
            try
            {
                var actual = digest.Algorithm == Digest.Sha512
                    ? Digest.FromSha512(await SHA512.HashDataAsync(file, cancellationToken).ConfigureAwait(false))
                    : Digest.FromSha256(await SHA256.HashDataAsync(file, cancellationToken).ConfigureAwait(false));
                return actual == digest;
            }
            catch (IOException exception)
            {
                throw StoreErrors.From("read the blob", layout.Blob(digest), exception);
            }
        }
    }

    /// <summary>
    /// Begins to write a blob whose digest is known, and continues where a download that ended early stopped
    /// (<see cref="BlobWriter.Length"/> is not 0 then). Waits while another writes the same; null: it is in the store.
    /// </summary>
    /// <param name="hold">What keeps it from being collected; the digest is added to it.</param>
    /// <param name="digest">What it must turn out to be.</param>
    /// <param name="size">How many bytes it must have, where that is known.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<BlobWriter?> BeginAsync(Hold hold, Digest digest, long? size, CancellationToken cancellationToken = default)
    {
        await hold.AddAsync(digest, cancellationToken).ConfigureAwait(false);
        if (IsWhole(digest, size))
        {
            return null;
        }

        var partial = await FileLock.AcquireAsync(layout.PartialOf(digest), exclusive: true, cancellationToken).ConfigureAwait(false);
        if (IsWhole(digest, size))
        {
            partial.Remove();
            partial.Dispose();
            return null;
        }

        return await Task.Run(() => BlobWriter.Resume(layout, partial, digest, size), CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Begins to write a blob, checked against a digest where it is known, beside all others that may write the same.</summary>
    /// <param name="hold">What keeps it from being collected once it is committed.</param>
    /// <param name="digest">What it must turn out to be; null: whatever its SHA-256 digest is.</param>
    /// <param name="size">How many bytes it must have, where that is known.</param>
    public BlobWriter Create(Hold hold, Digest? digest = null, long? size = null) => BlobWriter.Create(layout, hold, session.NewPath(), digest, size);

    /// <summary>Stores a document that is at hand.</summary>
    public async ValueTask<Digest> WriteAsync(Hold hold, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        var digest = Digest.Of(content.Span);
        await hold.AddAsync(digest, cancellationToken).ConfigureAwait(false);
        if (Size(digest) != content.Length)
        {
            DurableFile.Write(layout.Blob(digest), session.NewPath(), content.Span);
        }

        return digest;
    }

    /// <summary>Every blob there is.</summary>
    public IEnumerable<(Digest Digest, long Size)> List()
    {
        foreach (var algorithm in (string[])[Digest.Sha256, Digest.Sha512])
        {
            foreach (var path in Directory.EnumerateFiles(layout.BlobsOf(algorithm)))
            {
                // Another process may collect it while this goes on.
                if (Digest.TryParse($"{algorithm}:{Path.GetFileName(path)}", out var digest) && Size(digest) is { } size)
                {
                    yield return (digest, size);
                }
            }
        }
    }

    /// <summary>Files among the blobs that are none.</summary>
    public IEnumerable<string> ListUnknown() =>
        from algorithm in (string[])[Digest.Sha256, Digest.Sha512]
        from path in Directory.EnumerateFileSystemEntries(layout.BlobsOf(algorithm))
        where !Digest.TryParse($"{algorithm}:{Path.GetFileName(path)}", out _) || Directory.Exists(path)
        select path;

    /// <summary>When it was stored, or last used.</summary>
    public DateTimeOffset LastUsed(Digest digest) => new(File.GetLastWriteTimeUtc(layout.Blob(digest)));

    /// <summary>Notes that it is being used.</summary>
    public void Touch(Digest digest)
    {
        try
        {
            File.SetLastWriteTimeUtc(layout.Blob(digest), DateTime.UtcNow);
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception))
        {
            throw StoreErrors.From("note the use of", layout.Blob(digest), exception);
        }
    }

    internal void Remove(Digest digest) => Libc.Unlink(layout.Blob(digest));

    /// <summary>A disk may have lost the end of a file that was there; such a blob is written again.</summary>
    private bool IsWhole(Digest digest, long? size) => Size(digest) is { } actual && (size is null || size == actual);

    private ImageException Corrupt(Digest digest, Digest actual) => new(
        "read the blob", layout.Blob(digest), $"Its content is {actual}: the disk or another program changed it. Repair the store, and pull the image again.");
}
