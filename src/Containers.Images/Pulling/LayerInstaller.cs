using Containers.Archives;
using Containers.Compression;
using Containers.Interop;
using Containers.Layers;
using Containers.Oci;
using Containers.Store;

namespace Containers.Pulling;

/// <summary>
/// Brings the layers of an image to where containers find them: fetched where they are not in the store, stored as they come, and
/// unpacked meanwhile, several at once, each by one process for all.
/// </summary>
internal sealed class LayerInstaller(ContentStore store, int parallel, SubordinateFiles? subordinate)
{
    private static readonly LayerLimits Limits = LayerLimits.Default;

    /// <summary>Returns when every layer has its directory.</summary>
    /// <param name="hold">Keeps what is stored from being collected.</param>
    /// <param name="image">The image.</param>
    /// <param name="origin">Where blobs come from that are not in the store; null: from nowhere.</param>
    /// <param name="progress">Is told of each layer.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="ImageException">A layer cannot be had, or is not what the image says.</exception>
    public async Task InstallAsync(Hold hold, InstalledImage image, ILayerOrigin? origin, TransferProgress progress, CancellationToken cancellationToken)
    {
        while (image.FindLayers(store) is null)
        {
            var drafts = await store.Layers.BeginAsync(hold, image.Identities, cancellationToken).ConfigureAwait(false);
            try
            {
                await InstallAsync(drafts, hold, image, origin, progress, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                foreach (var draft in drafts)
                {
                    draft.Dispose();
                }
            }
        }
    }

    private async Task InstallAsync(
        IReadOnlyList<LayerDraft> drafts, Hold hold, InstalledImage image, ILayerOrigin? origin, TransferProgress progress, CancellationToken cancellationToken)
    {
        // The lowest first, which are the largest more often than not; the first that fails stops the rest.
        var ordered = drafts.OrderBy(draft => image.PositionOf(draft.Identity)).ToList();
        var owners = ordered.ToDictionary(static draft => draft, _ => Owners());
        var unpacked = new Dictionary<LayerDraft, UnpackedLayer>();
        await Parallel.ForEachAsync(ordered, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken }, async (draft, token) =>
        {
            var result = await InstallAsync(draft, owners[draft], image.Manifest.Layers[image.PositionOf(draft.Identity)], hold, image.Name, origin, progress, token).ConfigureAwait(false);
            lock (unpacked)
            {
                unpacked.Add(draft, result);
            }
        }).ConfigureAwait(false);

        foreach (var draft in ordered)
        {
            var result = unpacked[draft];
            var later = owners[draft] as LaterOwners;
            await DedicatedThread.RunAsync(() =>
            {
                InheritedAttributes.Apply(draft.Directory, result.ImplicitDirectories, image.LayersBelow(draft.Identity, store, ordered), subordinate, later);
                if (result.IsOpaque)
                {
                    LayeredFiles.MarkOpaque(draft.Directory);
                }

                if (later is not null)
                {
                    using var directory = Open(draft);
                    subordinate!.Give(directory, later.Files);
                }

                return true;
            }).ConfigureAwait(false);

            draft.Complete(result.ImplicitDirectories.Count == 0, result.FileBytes);
        }

        store.Layers.Publish(drafts);
    }

    private async Task<UnpackedLayer> InstallAsync(
        LayerDraft draft, ILayerOwners owners, Descriptor layer, Hold hold, string name, ILayerOrigin? origin, TransferProgress progress, CancellationToken cancellationToken)
    {
        var writer = await store.Blobs.BeginAsync(hold, layer.Id, layer.Size, cancellationToken).ConfigureAwait(false);
        var stage = writer is null ? PullStage.Unpacking : PullStage.Transferring;
        var told = progress.Start(layer.Digest, layer.Size, stage);
        UnpackedLayer result;
        if (writer is null)
        {
            result = await UnpackStoredAsync(draft, owners, layer, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await using (writer.ConfigureAwait(false))
            {
                if (origin is null)
                {
                    throw new ImageException("unpack the image", name, $"Its layer {layer.Digest} is not in the store: pull the image again.");
                }

                var resumed = writer.Length > 0;
                var blob = new TeeStream(origin.Open(layer, writer.Length), writer, told);
                await using (blob.ConfigureAwait(false))
                {
                    told.Add(writer.Length);
                    result = resumed ? default! : await UnpackAsync(draft, owners, blob, layer, cancellationToken).ConfigureAwait(false);
                    await blob.DrainAsync(cancellationToken).ConfigureAwait(false);
                }

                await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
                if (resumed)
                {
                    result = await UnpackStoredAsync(draft, owners, layer, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        if (result.DiffId != draft.Identity.DiffId)
        {
            throw new ImageException("unpack the image", name,
                $"Its layer {layer.Digest} is {result.DiffId} uncompressed, where the configuration says {draft.Identity.DiffId}: whoever made it made a mistake, or a forgery.");
        }

        told.Report(PullStage.Complete);
        return result;
    }

    private async Task<UnpackedLayer> UnpackStoredAsync(LayerDraft draft, ILayerOwners owners, Descriptor layer, CancellationToken cancellationToken)
    {
        var blob = store.Blobs.OpenRead(layer.Id);
        await using (blob.ConfigureAwait(false))
        {
            return await UnpackAsync(draft, owners, blob, layer, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<UnpackedLayer> UnpackAsync(LayerDraft draft, ILayerOwners owners, Stream blob, Descriptor layer, CancellationToken cancellationToken)
    {
        var content = await LayerCompressions.OpenAsync(new BorrowedStream(blob), layer.MediaType, Limits, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            using var directory = Open(draft);
            return await new LayerUnpacker(owners, Limits).UnpackAsync(content, directory, cancellationToken).ConfigureAwait(false);
        }
    }

    private ILayerOwners Owners() =>
        Libc.EffectiveUserId() == 0 ? new OwnersAsWritten() : subordinate is null ? new OwnerAlone() : new LaterOwners(subordinate.Ids);

    private static FileDescriptor Open(LayerDraft draft)
    {
        var directory = Libc.Open(draft.Directory, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec);
        return directory.IsInvalid ? throw new ImageException("open the directory of the layer", draft.Directory, ErrnoNames.Last) : directory;
    }
}
