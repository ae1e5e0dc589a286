using Containers.Oci;
using Containers.Pulling;
using Containers.Store;

namespace Containers;

// What is in the store.
public sealed partial class ImageStore
{
    /// <summary>Every image in the store, by name; one without a name by its digest, once it is whole.</summary>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="ImageException">The store cannot be read.</exception>
    public async Task<IReadOnlyList<ImageSummary>> ListAsync(CancellationToken cancellationToken = default) =>
        (await GetUsageAsync(cancellationToken).ConfigureAwait(false)).Images;

    /// <summary>What the store takes on the disk: all, and each image.</summary>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="ImageException">The store cannot be read.</exception>
    public async Task<ImageStoreUsage> GetUsageAsync(CancellationToken cancellationToken = default)
    {
        var usage = await Store.UsageAsync(cancellationToken).ConfigureAwait(false);
        return new ImageStoreUsage
        {
            BlobBytes = usage.Blobs,
            LayerBytes = usage.Layers,
            ReclaimableBytes = usage.Reclaimable,
            Images =
            [
                .. usage.Images.Where(static image => image.IsWhole || image.Names.Length > 0).Select(static image => new ImageSummary
                {
                    Digest = image.Target.Digest,
                    Names = image.Names,
                    Size = image.Size,
                    SharedSize = image.Shared,
                    LastUsed = image.LastUsed,
                    IsInUse = image.IsInUse,
                }).OrderBy(static image => image.Names is [var first, ..] ? first : image.Digest, StringComparer.Ordinal),
            ],
        };
    }

    /// <summary>What an image in the store is and says.</summary>
    /// <param name="reference">The image.</param>
    /// <param name="platform">Which of an image of many platforms; null: this machine's.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="FormatException"><paramref name="reference"/> is no reference.</exception>
    /// <exception cref="ImageException">It is not in the store.</exception>
    public async Task<ImageInfo> InspectAsync(string reference, ImagePlatform? platform = null, CancellationToken cancellationToken = default)
    {
        var hold = Store.Hold();
        await using (hold.ConfigureAwait(false))
        {
            return Describe(await RequireAsync(reference, "inspect the image", platform, hold, cancellationToken).ConfigureAwait(false));
        }
    }

    /// <summary>What made an image, the newest step first.</summary>
    /// <param name="reference">The image.</param>
    /// <param name="platform">Which of an image of many platforms; null: this machine's.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="FormatException"><paramref name="reference"/> is no reference.</exception>
    /// <exception cref="ImageException">It is not in the store.</exception>
    public async Task<IReadOnlyList<ImageHistoryEntry>> HistoryAsync(string reference, ImagePlatform? platform = null, CancellationToken cancellationToken = default)
    {
        var hold = Store.Hold();
        await using (hold.ConfigureAwait(false))
        {
            var image = await RequireAsync(reference, "read the history of the image", platform, hold, cancellationToken).ConfigureAwait(false);
            return ImageHistoryEntry.Of(image);
        }
    }

    /// <summary>Gives an image of the store another name.</summary>
    /// <param name="reference">The image.</param>
    /// <param name="name">The name, with a tag (<c>latest</c> where it has none) and without a digest.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="FormatException">One of them is no reference.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> cannot be a tag here.</exception>
    /// <exception cref="ImageException">The image is not in the store.</exception>
    public async Task TagAsync(string reference, string name, CancellationToken cancellationToken = default)
    {
        var tag = RequireTag(name, nameof(name));
        var target = TargetOf(ImageReference.Parse(reference)) ?? throw NotStored("tag the image", ImageReference.Parse(reference), "Pull it first.");
        if (target.MediaType is null)
        {
            target = (await Store.Images.ReadAsync(target.Id, null, cancellationToken).ConfigureAwait(false)).Descriptor;
        }

        await Store.Tags.SetAsync(tag.ToString(), target, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Takes a name away, and with the last name the image, with all that no other image needs. What a container uses is refused; with
    /// <paramref name="force"/> all its names are taken away, and its content goes with a later <see cref="PruneAsync"/>.
    /// </summary>
    /// <param name="reference">A name, or a digest: then the image goes with all its names.</param>
    /// <param name="force">Also where a container uses it.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="FormatException"><paramref name="reference"/> is no reference.</exception>
    /// <exception cref="ImageException">It is not in the store, or a container or a pull uses it.</exception>
    public async Task<ImagePruneResult> RemoveAsync(string reference, bool force = false, CancellationToken cancellationToken = default)
    {
        var parsed = ImageReference.Parse(reference);
        var target = TargetOf(parsed) ?? throw NotStored("remove the image", parsed, "ListAsync says what is.");
        var names = Store.Tags.List().Where(tag => tag.Value.Id == target.Id).Select(static tag => tag.Key).ToList();
        if (DigestIn(parsed) is null && names.Count > 1)
        {
            await Store.Tags.RemoveAsync(parsed.ToString(), cancellationToken).ConfigureAwait(false);
            return new ImagePruneResult { Names = [parsed.ToString()] };
        }

        try
        {
            return ImagePruneResult.Of(await Store.Collector.RemoveAsync(target.Id, cancellationToken).ConfigureAwait(false));
        }
        catch (ImageException) when (force && Store.Blobs.Contains(target.Id))
        {
            foreach (var name in names)
            {
                await Store.Tags.RemoveAsync(name, cancellationToken).ConfigureAwait(false);
            }

            return new ImagePruneResult { Names = names };
        }
    }

    /// <summary>Removes images that nobody uses, and what belongs to none.</summary>
    /// <param name="all">Also those that have a name.</param>
    /// <param name="keepBytes">Remove only until the store takes no more than this, the least recently used first; null: all that may go.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="ImageException">The store cannot be read or written.</exception>
    public async Task<ImagePruneResult> PruneAsync(bool all = false, ByteSize? keepBytes = null, CancellationToken cancellationToken = default) =>
        ImagePruneResult.Of(await Store.Collector.PruneAsync(
            new PruneOptions { Scope = all ? PruneScope.Unused : PruneScope.Dangling, KeepBytes = keepBytes?.Bytes }, cancellationToken).ConfigureAwait(false));

    /// <summary>Reads everything in the store and compares it with its digests; says what is wrong.</summary>
    /// <param name="repair">Drop what is broken, so that the next pull brings it again.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>A line for each problem; none where all is well.</returns>
    /// <exception cref="ImageException">The store cannot be read or written.</exception>
    public async Task<IReadOnlyList<string>> VerifyAsync(bool repair = false, CancellationToken cancellationToken = default) =>
        [.. (await Store.Verifier.VerifyAsync(repair, cancellationToken).ConfigureAwait(false)).Select(static problem => problem.ToString())];

    /// <summary>A name that an image can have here: of a registry, with a tag, without a digest.</summary>
    internal static ImageReference RequireTag(string name, string parameter)
    {
        var reference = ImageReference.Parse(name);
        return reference.Transport == ImageTransport.Registry && reference.Digest is null
            ? reference
            : throw new ArgumentException($"'{name}' cannot be given to an image: a name has a repository and a tag, and no digest.", parameter);
    }

    private async Task<InstalledImage> RequireAsync(string reference, string step, ImagePlatform? platform, Hold hold, CancellationToken cancellationToken)
    {
        var parsed = ImageReference.Parse(reference);
        return await FindHeldAsync(parsed, platform ?? ImagePlatform.Current, hold, cancellationToken).ConfigureAwait(false)
            ?? throw NotStored(step, parsed, "Pull it first.");
    }

    private ImageInfo Describe(InstalledImage image) => ImageInfo.Of(image, [.. Store.Tags.List().Where(tag => tag.Value.Id == image.Target.Id).Select(static tag => tag.Key)]);
}
