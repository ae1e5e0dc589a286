using Containers.Oci;
using Containers.Pulling;
using Containers.Registries;
using Containers.Store;

namespace Containers.Pushing;

/// <summary>
/// Brings what an image is made of to a registry: blobs first, then what names them, so that nothing there is ever incomplete.
/// </summary>
/// <param name="store">Where the image is.</param>
/// <param name="client">Reaches the registry.</param>
/// <param name="reference">What it is to be called there.</param>
/// <param name="siblings">Other repositories of the registry that the image has names in: they may have its blobs already.</param>
/// <param name="parallel">How many blobs at once.</param>
internal sealed class ImagePusher(ContentStore store, RegistryClient client, ImageReference reference, IReadOnlyList<string> siblings, int parallel)
{
    /// <summary>Pushes a manifest, or an index with all its manifests, and gives it the reference's tag.</summary>
    /// <exception cref="ImageException">A blob is not in the store, or the registry refuses.</exception>
    public async Task PushAsync(ManifestDocument document, TransferProgress progress, CancellationToken cancellationToken)
    {
        var manifests = new List<ManifestDocument>();
        await CollectAsync(document, manifests, cancellationToken).ConfigureAwait(false);
        var blobs = manifests.SelectMany(static one => one.Manifest is { } manifest ? manifest.Layers.Prepend(manifest.Config) : []).DistinctBy(static blob => blob.Id);
        await Parallel.ForEachAsync(blobs, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken }, async (blob, token) =>
        {
            if (store.Blobs.Size(blob.Id) != blob.Size)
            {
                throw new ImageException("push the image", reference.Familiar, $"Its blob {blob.Digest} is not in the store: pull the image again.");
            }

            var exists = await client.HasBlobAsync(reference, blob.Id, token).ConfigureAwait(false);
            var told = progress.Start(blob.Digest, blob.Size, exists ? PullStage.Exists : PullStage.Transferring);
            if (!exists)
            {
                await client.PushBlobAsync(reference, blob, () => new ReportingStream(store.Blobs.OpenRead(blob.Id), told), siblings is [var sibling, ..] ? sibling : null, token).ConfigureAwait(false);
                told.Report(PullStage.Complete);
            }
        }).ConfigureAwait(false);

        // What an index names is pushed by its digest, before the index.
        foreach (var one in manifests)
        {
            var target = one.Digest == document.Digest ? reference : reference.Pinned(one.Digest);
            await client.PushManifestAsync(target, one.Bytes, one.MediaType, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task CollectAsync(ManifestDocument document, List<ManifestDocument> manifests, CancellationToken cancellationToken)
    {
        foreach (var entry in document.Index?.Manifests ?? [])
        {
            await CollectAsync(await store.Images.ReadAsync(entry.Id, entry, cancellationToken).ConfigureAwait(false), manifests, cancellationToken).ConfigureAwait(false);
        }

        manifests.Add(document);
    }
}
