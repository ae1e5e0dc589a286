using System.Text.Json;
using Containers.Oci;
using Containers.Store;

namespace Containers.Archives;

/// <summary>Reads an OCI image layout, in a directory or a tar (image-spec, image-layout.md).</summary>
internal sealed class OciLayoutReader(ArchiveSource source, ContentStore store, Hold hold)
{
    public const string MarkerName = "oci-layout";
    public const string IndexName = "index.json";
    public const string NameAnnotation = "org.opencontainers.image.ref.name";
    public const string FullNameAnnotation = "io.containerd.image.name";
    public const string Version = "1.0.0";

    /// <summary>Blobs to copy, by member.</summary>
    private readonly Dictionary<string, MemberReader> _blobs = new(StringComparer.Ordinal);

    /// <summary>Documents in the order to store them in: what is referred to comes first.</summary>
    private readonly Dictionary<Digest, ReadOnlyMemory<byte>> _documents = [];

    /// <summary>Stores every image of it; nothing refers to one before all of it is there.</summary>
    public async Task<IReadOnlyList<ArchivedImage>> ImportAsync(CancellationToken cancellationToken)
    {
        CheckMarker(await source.RequireDocumentAsync(MarkerName, cancellationToken).ConfigureAwait(false));
        var bytes = await source.RequireDocumentAsync(IndexName, cancellationToken).ConfigureAwait(false);
        var index = ManifestReader.Read(bytes, $"{source.Name}: {IndexName}", MediaTypes.Index).Index!;
        var images = new List<ArchivedImage>();
        foreach (var entry in index.Manifests.Where(static entry => MediaTypes.IsManifest(entry.MediaType) || MediaTypes.IsIndex(entry.MediaType)))
        {
            await VisitAsync(entry, 0, cancellationToken).ConfigureAwait(false);
            var target = new Descriptor { MediaType = entry.MediaType, Digest = entry.Digest, Size = entry.Size };
            var known = images.FindIndex(image => image.Target.Digest == target.Digest);
            if (known < 0)
            {
                images.Add(new ArchivedImage([.. NamesOf(entry)], target));
            }
            else
            {
                images[known] = images[known] with { Names = [.. images[known].Names.Union(NamesOf(entry))] };
            }
        }

        await source.ReadAsync(_blobs, cancellationToken).ConfigureAwait(false);
        foreach (var (digest, content) in _documents)
        {
            await StoreAsync(digest, content, cancellationToken).ConfigureAwait(false);
        }

        return images;
    }

    private static IEnumerable<string> NamesOf(Descriptor entry) =>
        entry.Annotations?.GetValueOrDefault(FullNameAnnotation) is { } full ? [full]
        : entry.Annotations?.GetValueOrDefault(NameAnnotation) is { } name ? [name] : [];

    private static string MemberOf(Digest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    private void CheckMarker(byte[] content)
    {
        try
        {
            var version = JsonSerializer.Deserialize(content, ArchiveJson.Default.LayoutMarker)?.ImageLayoutVersion;
            if (version?.StartsWith("1.", StringComparison.Ordinal) != true)
            {
                throw new ImageException("read the archive", source.Name, $"Its layout has the version {version}; 1 is known.");
            }
        }
        catch (JsonException exception)
        {
            throw new ImageException("read the archive", source.Name, $"\"{MarkerName}\": {exception.Message}", exception);
        }
    }

    /// <summary>Of an index, manifests may be missing: whoever saved one platform has no others.</summary>
    private async ValueTask VisitAsync(Descriptor descriptor, int depth, CancellationToken cancellationToken)
    {
        if (depth > DocumentLimits.MaxIndexDepth)
        {
            throw new ImageException("read the archive", source.Name, $"Its indexes are nested more than {DocumentLimits.MaxIndexDepth} deep.");
        }

        if (_documents.ContainsKey(descriptor.Id))
        {
            return;
        }

        var content = await source.RequireDocumentAsync(MemberOf(descriptor.Id), cancellationToken).ConfigureAwait(false);
        var document = ManifestReader.Read(content, descriptor.Digest, null, descriptor);
        if (document.Index is { } index)
        {
            foreach (var entry in index.Manifests.Where(entry => source.Contains(MemberOf(entry.Id))))
            {
                await VisitAsync(entry, depth + 1, cancellationToken).ConfigureAwait(false);
            }
        }

        foreach (var blob in document.Manifest is { } manifest ? manifest.Layers.Prepend(manifest.Config) : [])
        {
            await WantAsync(blob, cancellationToken).ConfigureAwait(false);
        }

        _documents.TryAdd(descriptor.Id, content);
    }

    private async ValueTask WantAsync(Descriptor blob, CancellationToken cancellationToken)
    {
        await hold.AddAsync(blob.Id, cancellationToken).ConfigureAwait(false);
        if (store.Blobs.Size(blob.Id) == blob.Size)
        {
            return;
        }

        _blobs[MemberOf(blob.Id)] = async (content, _, token) =>
        {
            var writer = store.Blobs.Create(hold, blob.Id, blob.Size);
            await using (writer.ConfigureAwait(false))
            {
                await writer.CopyFromAsync(content, token).ConfigureAwait(false);
                await writer.CommitAsync(token).ConfigureAwait(false);
            }
        };
    }

    private async ValueTask StoreAsync(Digest digest, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var writer = store.Blobs.Create(hold, digest, content.Length);
        await using (writer.ConfigureAwait(false))
        {
            await writer.WriteAsync(content, cancellationToken).ConfigureAwait(false);
            await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
