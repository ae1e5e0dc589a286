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
internal sealed class LayerInstaller(ContentStore store, int parallel, LayerLimits limits, SubordinateFiles? subordinate)
{
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
        try
        {
            var told = progress.Start(layer.Digest, layer.Size, writer is null ? PullStage.Unpacking : PullStage.Transferring);
            var result = writer is null ? await UnpackStoredAsync(draft, owners, layer, cancellationToken).ConfigureAwait(false)
                : await FetchAsync(draft, owners, layer, writer, origin ?? throw new ImageException("It is not in the store: pull the image again."), told, cancellationToken).ConfigureAwait(false);
            if (result.DiffId != draft.Identity.DiffId)
            {
                throw new ImageException(
                    $"It is {result.DiffId} uncompressed, where the configuration says {draft.Identity.DiffId}: whoever made it made a mistake, or a forgery.");
            }

            told.Report(PullStage.Complete);
            return result;
        }
        catch (ImageException fault) when (fault.ErrorNumber is null)
        {
            // What reads archives knows neither whose they are nor where they came from. What the kernel refused is no fault of the layer.
            throw new ImageException("unpack the image", name, $"Its layer {layer.Digest}: {fault.Message}", fault);
        }
        catch (ImageException fault) when (!Path.IsPathRooted(fault.Path))
        {
            // What takes the last of the disk away must not stay on it.
            writer?.Discard();
            throw new ImageException($"{fault.Step} {fault.Path} of the layer {layer.Digest} of {name} in", store.Directory, (Errno)fault.ErrorNumber!, fault.Remedy);
        }
        finally
        {
            if (writer is not null)
            {
                await writer.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<UnpackedLayer> FetchAsync(
        LayerDraft draft, ILayerOwners owners, Descriptor layer, BlobWriter writer, ILayerOrigin origin, LayerProgress told, CancellationToken cancellationToken)
    {
        if (writer.Length > 0)
        {
            try
            {
                await CopyAsync(writer.Length).ConfigureAwait(false);
                await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
                return await UnpackStoredAsync(draft, owners, layer, cancellationToken).ConfigureAwait(false);
            }
            catch (ImageException) when (writer.IsWrong)
            {
                // An earlier pull was given other bytes, or a disk lost them: that is no reason for this one to fail.
                told.Add(-writer.Length);
                writer.Restart();
            }
        }

        var blob = new TeeStream(origin.Open(layer, 0), writer, told);
        await using (blob.ConfigureAwait(false))
        {
            var result = await UnpackAsync(draft, owners, blob, layer, cancellationToken).ConfigureAwait(false);
            await blob.DrainAsync(cancellationToken).ConfigureAwait(false);
            await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
            return result;
        }

        async Task CopyAsync(long from)
        {
            var rest = new TeeStream(origin.Open(layer, from), writer, told);
            await using (rest.ConfigureAwait(false))
            {
                told.Add(from);
                await rest.DrainAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task<UnpackedLayer> UnpackStoredAsync(LayerDraft draft, ILayerOwners owners, Descriptor layer, CancellationToken cancellationToken)
    {
        var blob = store.Blobs.OpenRead(layer.Id);
        await using (blob.ConfigureAwait(false))
        {
            return await UnpackAsync(draft, owners, blob, layer, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<UnpackedLayer> UnpackAsync(LayerDraft draft, ILayerOwners owners, Stream blob, Descriptor layer, CancellationToken cancellationToken)
    {
        // What is unpacked ends before the blob does, which is read to its end and verified after that.
        var content = await LayerCompressions.OpenAsync(new BorrowedStream(blob), layer.MediaType, limits, cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            using var directory = Open(draft);
            return await new LayerUnpacker(owners, limits).UnpackAsync(content, directory, cancellationToken).ConfigureAwait(false);
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
