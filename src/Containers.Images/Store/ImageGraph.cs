using Containers.Oci;

namespace Containers.Store;

/// <summary>Walks what images are made of: from an index to its manifests, to configuration and layers. Every document is checked as it is read.</summary>
internal sealed class ImageGraph(BlobStore blobs)
{
    /// <summary>A manifest or an index.</summary>
    /// <param name="digest">Its digest.</param>
    /// <param name="descriptor">What refers to it, whose media type and size it must have.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ImageException">It is not in the store, or is no such document.</exception>
    public async ValueTask<ManifestDocument> ReadAsync(Digest digest, Descriptor? descriptor = null, CancellationToken cancellationToken = default)
    {
        var content = await blobs.ReadDocumentAsync(digest, cancellationToken).ConfigureAwait(false);
        return ManifestReader.Read(content, digest.ToString(), null, descriptor ?? new Descriptor { Digest = digest.ToString(), Size = content.Length });
    }

    public async ValueTask<ImageConfiguration> ReadConfigurationAsync(ImageManifest manifest, CancellationToken cancellationToken = default) =>
        ConfigurationReader.Read(
            await blobs.ReadDocumentAsync(manifest.Config.Id, cancellationToken).ConfigureAwait(false), manifest, manifest.Config.Digest);

    /// <summary>Everything in the store that refers to other things in it. What cannot be read refers to nothing.</summary>
    public async Task<Dictionary<Digest, ImageNode>> ScanAsync(CancellationToken cancellationToken = default)
    {
        var nodes = new Dictionary<Digest, ImageNode>();
        foreach (var (digest, size) in blobs.List())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (size <= BlobStore.MaxDocumentSize && await TryReadAsync(digest, cancellationToken).ConfigureAwait(false) is { } node)
            {
                nodes.Add(digest, node);
            }
        }

        return nodes;
    }

    private async ValueTask<ImageNode?> TryReadAsync(Digest digest, CancellationToken cancellationToken)
    {
        try
        {
            if (!await IsObjectAsync(digest, cancellationToken).ConfigureAwait(false))
            {
                return null;
            }

            var content = await blobs.ReadDocumentAsync(digest, cancellationToken).ConfigureAwait(false);
            var shape = DocumentShape.Read(content, digest.ToString());
            if (!shape.HasManifests && !shape.HasLayers)
            {
                return null;
            }

            var document = await ReadAsync(digest, null, cancellationToken).ConfigureAwait(false);
            return new ImageNode(document, await IdentitiesAsync(document.Manifest, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception exception) when (exception is ImageException or System.Text.Json.JsonException)
        {
            // Not what its digest says, or no document: verifying reports it.
            return null;
        }
    }

    private async ValueTask<IReadOnlyList<LayerIdentity>> IdentitiesAsync(ImageManifest? manifest, CancellationToken cancellationToken)
    {
        if (!MediaTypes.IsConfiguration(manifest?.Config.MediaType) || !blobs.Contains(manifest!.Config.Id))
        {
            return [];
        }

        try
        {
            var configuration = await ReadConfigurationAsync(manifest, cancellationToken).ConfigureAwait(false);
            return LayerIdentity.Of(configuration.Rootfs.DiffIds.Select(Digest.Parse));
        }
        catch (ImageException)
        {
            return [];
        }
    }

    /// <summary>Most blobs are layers; one byte tells.</summary>
    private async ValueTask<bool> IsObjectAsync(Digest digest, CancellationToken cancellationToken)
    {
        var first = new byte[16];
        var file = blobs.OpenRead(digest);
        await using (file.ConfigureAwait(false))
        {
            var count = await file.ReadAtLeastAsync(first, 1, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            return first.AsSpan(0, count).TrimStart(" \t\r\n"u8) is [(byte)'{', ..];
        }
    }
}
