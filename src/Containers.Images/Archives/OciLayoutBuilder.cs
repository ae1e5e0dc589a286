using System.Collections.Immutable;
using System.Text.Json;
using Containers.Oci;
using Containers.Store;

namespace Containers.Archives;

/// <summary>Makes the members of an OCI image layout of images of the store.</summary>
internal sealed class OciLayoutBuilder(ContentStore store)
{
    private readonly SortedDictionary<string, ArchiveMember> _members = new(StringComparer.Ordinal);

    /// <summary>
    /// The layout of these images with their names, in the order given. Of an index, the manifests that are in the store are in it;
    /// the others stay references.
    /// </summary>
    /// <exception cref="ImageException">A blob of an image is not in the store.</exception>
    public async Task<SortedDictionary<string, ArchiveMember>> BuildAsync(IEnumerable<ArchivedImage> images, CancellationToken cancellationToken)
    {
        var entries = ImmutableArray.CreateBuilder<Descriptor>();
        foreach (var image in images)
        {
            await AddAsync(image.Target, 0, cancellationToken).ConfigureAwait(false);
            foreach (var name in image.Names.DefaultIfEmpty(null!))
            {
                entries.Add(image.Target with
                {
                    Annotations = name is null ? null : ImmutableDictionary<string, string>.Empty.Add(OciLayoutReader.NameAnnotation, name),
                });
            }
        }

        var index = new ImageIndex { MediaType = MediaTypes.Index, Manifests = entries.DrainToImmutable() };
        _members[OciLayoutReader.IndexName] = ArchiveMember.Of(JsonSerializer.SerializeToUtf8Bytes(index, OciJson.Default.ImageIndex));
        _members[OciLayoutReader.MarkerName] = ArchiveMember.Of(
            JsonSerializer.SerializeToUtf8Bytes(new LayoutMarker(OciLayoutReader.Version), ArchiveJson.Default.LayoutMarker));
        return _members;
    }

    private async ValueTask AddAsync(Descriptor target, int depth, CancellationToken cancellationToken)
    {
        var document = await store.Images.ReadAsync(target.Id, target, cancellationToken).ConfigureAwait(false);
        if (depth > DocumentLimits.MaxIndexDepth)
        {
            throw new ImageException("save the image", target.Digest, $"Its indexes are nested more than {DocumentLimits.MaxIndexDepth} deep.");
        }

        Add(target);
        foreach (var entry in document.Index?.Manifests.Where(entry => store.Blobs.Contains(entry.Id)) ?? [])
        {
            await AddAsync(entry, depth + 1, cancellationToken).ConfigureAwait(false);
        }

        if (document.Manifest is { } manifest)
        {
            Add(manifest.Config);
            foreach (var layer in manifest.Layers)
            {
                Add(layer);
            }
        }
    }

    private void Add(Descriptor blob)
    {
        if (store.Blobs.Size(blob.Id) != blob.Size)
        {
            throw new ImageException("save the image", blob.Digest, "It is not in the store as a whole: pull the image again.");
        }

        _members[$"blobs/{blob.Id.Algorithm}/{blob.Id.Hex}"] = ArchiveMember.Of(store.Blobs, blob);
    }
}
