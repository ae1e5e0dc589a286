using System.Text;
using Containers.Compression;
using Containers.Layers;
using Containers.Oci;
using Containers.Store;
using Containers.Tar;

namespace Containers.Archives;

/// <summary>
/// A tar of images, plain or compressed. It is read front to back as often as needed and never extracted: once for the names and the
/// small documents, once for what these say is wanted. What cannot be read twice, as a pipe, lies in a temporary file meanwhile.
/// </summary>
internal sealed class TarSource : ArchiveSource
{
    /// <summary>Of all documents of an archive, in bytes; a thousand images have less.</summary>
    private const long MaxDocuments = 64 * 1024 * 1024;

    private const int MaxMembers = 100_000;

    /// <summary>An archive holds the layers of many images; each of them has the usual limits when it is unpacked.</summary>
    private static readonly LayerLimits Limits = LayerLimits.Default with { UncompressedBytes = DocumentLimits.MaxBlob };

    private readonly Stream _stream;
    private readonly bool _isOwned;
    private readonly long _start;
    private readonly Dictionary<string, bool> _isFile = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _sizes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _documents = new(StringComparer.Ordinal);

    private TarSource(Stream stream, bool isOwned, string name)
    {
        _stream = stream;
        _isOwned = isOwned;
        _start = stream.Position;
        Name = name;
    }

    public override string Name { get; }

    /// <summary>Opens an archive that begins where the stream is. The stream stays the caller's.</summary>
    public static async ValueTask<TarSource> OpenAsync(ContentStore store, Stream stream, string name, CancellationToken cancellationToken)
    {
        var isOwned = false;
        if (!stream.CanSeek)
        {
            stream = await SpoolAsync(store, stream, cancellationToken).ConfigureAwait(false);
            isOwned = true;
        }

        var source = new TarSource(stream, isOwned, name);
        try
        {
            await source.IndexAsync(cancellationToken).ConfigureAwait(false);
            return source;
        }
        catch
        {
            await source.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public override bool Contains(string member) => Normalize(member) is { } name && _isFile.ContainsKey(name);

    public override ValueTask<byte[]?> ReadDocumentAsync(string member, CancellationToken cancellationToken)
    {
        var name = Normalize(member) ?? throw NoFile(member);
        if (!_isFile.TryGetValue(name, out var isFile))
        {
            return new((byte[]?)null);
        }

        return !isFile ? throw NoFile(member)
            : _sizes[name] > DocumentLimits.MaxDocument ? throw TooLarge(member, _sizes[name])
            : new(_documents.TryGetValue(name, out var content) ? content : throw new ImageException("read the archive", Name, $"\"{name}\" is no JSON."));
    }

    public override async ValueTask ReadAsync(IReadOnlyDictionary<string, MemberReader> members, CancellationToken cancellationToken)
    {
        var wanted = new Dictionary<string, MemberReader>(StringComparer.Ordinal);
        foreach (var (member, read) in members)
        {
            var name = Normalize(member) ?? throw NoFile(member);
            if (!_isFile.TryGetValue(name, out var isFile))
            {
                throw Missing(member);
            }

            wanted[name] = isFile ? read : throw NoFile(member);
        }

        await ForEachAsync(
            async (name, entry, content) =>
            {
                if (name is not null && entry.Kind == TarEntryKind.File && wanted.Remove(name, out var read))
                {
                    await read(content, entry.Size, cancellationToken).ConfigureAwait(false);
                }

                return wanted.Count > 0;
            },
            cancellationToken).ConfigureAwait(false);
    }

    public override async ValueTask DisposeAsync()
    {
        if (_isOwned)
        {
            await _stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask IndexAsync(CancellationToken cancellationToken)
    {
        long total = 0;
        await ForEachAsync(
            async (name, entry, content) =>
            {
                if (name is null || entry.Kind == TarEntryKind.Directory)
                {
                    return true;
                }

                if (_isFile.Count == MaxMembers)
                {
                    throw new ImageException("read the archive", Name, $"It has more than {MaxMembers} members.");
                }

                // Of two members with one name, another reader may take the other: what the archive is must not depend on that.
                if (!_isFile.TryAdd(name, entry.Kind == TarEntryKind.File))
                {
                    throw new ImageException("read the archive", Name, $"It has \"{entry}\" twice.");
                }

                _sizes[name] = entry.Size;
                if (entry is { Kind: TarEntryKind.File, Segments: null, Size: > 0 and <= DocumentLimits.MaxDocument }
                    && await ReadJsonAsync(content, entry.Size, cancellationToken).ConfigureAwait(false) is { } document)
                {
                    total += document.Length;
                    _documents[name] = total <= MaxDocuments ? document : throw new ImageException(
                        "read the archive", Name, $"Its documents have more than {MaxDocuments} bytes together.");
                }

                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask ForEachAsync(Func<string?, TarEntry, Stream, ValueTask<bool>> take, CancellationToken cancellationToken)
    {
        _stream.Position = _start;
        var plain = await LayerCompressions.OpenAsync(new BorrowedStream(_stream), null, Limits, cancellationToken).ConfigureAwait(false);
        await using (plain.ConfigureAwait(false))
        {
            using var reader = new TarReader(plain);
            while (await reader.ReadEntryAsync(cancellationToken).ConfigureAwait(false) is { } entry
                && await take(Normalize(Encoding.UTF8.GetString(entry.Path.Span)), entry, reader.Content).ConfigureAwait(false))
            {
            }
        }
    }

    private static async ValueTask<byte[]?> ReadJsonAsync(Stream content, long size, CancellationToken cancellationToken)
    {
        var first = new byte[1];
        await content.ReadExactlyAsync(first, cancellationToken).ConfigureAwait(false);
        if (first[0] is not ((byte)'{' or (byte)'[' or (byte)' ' or (byte)'\n'))
        {
            return null;
        }

        var document = new byte[size];
        document[0] = first[0];
        await content.ReadExactlyAsync(document.AsMemory(1), cancellationToken).ConfigureAwait(false);
        return document;
    }

    private static async ValueTask<Stream> SpoolAsync(ContentStore store, Stream stream, CancellationToken cancellationToken)
    {
        var path = store.NewTemporaryPath();
        FileStream? file = null;
        try
        {
            file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous,
                BufferSize = 0,
            });
            await stream.CopyToAsync(file, 1 << 18, cancellationToken).ConfigureAwait(false);
            file.Position = 0;
            return file;
        }
        catch (Exception exception)
        {
            if (file is not null)
            {
                await file.DisposeAsync().ConfigureAwait(false);
            }

            if (StoreErrors.IsOfFiles(exception))
            {
                throw StoreErrors.From("keep the archive in", path, exception);
            }

            throw;
        }
    }
}
