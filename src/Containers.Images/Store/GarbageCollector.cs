using System.Collections.Immutable;
using Containers.Oci;

namespace Containers.Store;

/// <summary>
/// Removes what nothing needs. Roots are names and what living processes hold, and all is counted from what is on the disk: there is no
/// count of references that could be wrong. While it marks and sweeps nobody can begin to hold anything; what is large is only renamed
/// in that time, and removed after it.
/// </summary>
internal sealed class GarbageCollector(StoreLayout layout, ContentStore store, Action<string> removeTree)
{
    public async Task<PruneResult> PruneAsync(PruneOptions options, CancellationToken cancellationToken = default)
    {
        var trash = new List<string>();
        PruneResult result;
        using (await FileLock.AcquireAsync(layout.CollectorLock, exclusive: true, cancellationToken).ConfigureAwait(false))
        {
            var snapshot = await StoreSnapshot.TakeAsync(layout, store, cancellationToken).ConfigureAwait(false);
            var removed = Choose(snapshot, options);
            var kept = snapshot.Reach(snapshot.Images.Except(removed).Concat(snapshot.Held));
            result = Sweep(snapshot, removed, kept, static _ => true, options.IsDryRun, trash);
            if (!options.IsDryRun)
            {
                SweepFiles(snapshot, ref result);
            }
        }

        trash.ForEach(removeTree);
        return result;
    }

    /// <summary>Removes one image with all its names, and what no other image needs of it.</summary>
    /// <exception cref="ImageException">It is not in the store, or a living process uses it.</exception>
    public async Task<PruneResult> RemoveAsync(Digest image, CancellationToken cancellationToken = default)
    {
        var trash = new List<string>();
        PruneResult result;
        using (await FileLock.AcquireAsync(layout.CollectorLock, exclusive: true, cancellationToken).ConfigureAwait(false))
        {
            var snapshot = await StoreSnapshot.TakeAsync(layout, store, cancellationToken).ConfigureAwait(false);
            if (!snapshot.Nodes.ContainsKey(image))
            {
                throw new ImageException("remove the image", image.ToString(), "It is not in the store.");
            }

            if (snapshot.IsHeld(image))
            {
                throw new ImageException("remove the image", image.ToString(), "A container or a pull uses it: end that first.");
            }

            var doomed = snapshot.Reach([image]);
            var kept = snapshot.Reach(snapshot.Images.Where(other => other != image).Concat(snapshot.Held));
            result = Sweep(snapshot, [image], kept, doomed.Blobs.Contains, isDryRun: false, trash, doomed.Layers.Contains);
        }

        trash.ForEach(removeTree);
        return result;
    }

    private HashSet<Digest> Choose(StoreSnapshot snapshot, PruneOptions options)
    {
        var candidates = snapshot.Images
            .Where(image => options.Scope == PruneScope.Unused || (options.Scope == PruneScope.Dangling && !snapshot.Names.Contains(image)))
            .Where(image => !snapshot.IsHeld(image))
            .OrderBy(image => snapshot.LastUsed(store.Blobs, image));
        var removed = new HashSet<Digest>();
        foreach (var image in candidates)
        {
            if (options.KeepBytes is { } bytes
                && snapshot.SizeOf(snapshot.Reach(snapshot.Images.Except(removed).Concat(snapshot.Held))) <= bytes)
            {
                break;
            }

            removed.Add(image);
        }

        return removed;
    }

    /// <summary>Names go first, then documents, then what they refer to: whatever stops this in between leaves garbage, never a hole.</summary>
    private PruneResult Sweep(
        StoreSnapshot snapshot, HashSet<Digest> images, StoreSet kept, Func<Digest, bool> isInReach, bool isDryRun, List<string> trash, Func<string, bool>? isLayerInReach = null)
    {
        var blobs = snapshot.Blobs.Keys.Where(digest => !kept.Blobs.Contains(digest) && isInReach(digest)).OrderBy(digest => Rank(snapshot, digest)).ToList();
        var layers = snapshot.Layers.Keys.Where(name => !kept.Layers.Contains(name) && isLayerInReach?.Invoke(name) != false).ToList();
        var removed = images.Select(image => new RemovedImage(image, [.. snapshot.Names[image]])).ToImmutableArray();
        if (!isDryRun)
        {
            foreach (var name in removed.SelectMany(static image => image.Names))
            {
                store.Tags.Remove(name);
            }

            blobs.ForEach(store.Blobs.Remove);
            trash.AddRange(layers.Select(store.Layers.Detach).OfType<string>());
        }

        return new PruneResult(
            removed, blobs.Count, layers.Count, 0, blobs.Sum(digest => snapshot.Blobs[digest]) + layers.Sum(name => snapshot.Layers[name]));
    }

    /// <summary>An index before its manifests, those before their blobs.</summary>
    private static int Rank(StoreSnapshot snapshot, Digest digest) =>
        snapshot.Nodes.TryGetValue(digest, out var node) ? (node.Document.Index is null ? 1 : 0) : 2;

    /// <summary>Downloads that nobody continues, and the files of locks that nobody has.</summary>
    private void SweepFiles(StoreSnapshot snapshot, ref PruneResult result)
    {
        var held = snapshot.Held.Select(layout.PartialOf).ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(layout.Partial).Where(path => !held.Contains(path)))
        {
            using var free = FileLock.Try(path, exclusive: true);
            if (free is not null)
            {
                result = result with { Partials = result.Partials + 1, Bytes = result.Bytes + RandomAccess.GetLength(free.Handle) };
                free.Remove();
            }
        }

        foreach (var path in Directory.EnumerateFiles(layout.Locks))
        {
            using var free = FileLock.Try(path, exclusive: true);
            free?.Remove();
        }
    }
}
