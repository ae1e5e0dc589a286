using Containers.Interop;
using Containers.Oci;

namespace Containers.Store;

/// <summary>Compares everything in a store with what it should be.</summary>
internal sealed class StoreVerifier(StoreLayout layout, ContentStore store)
{
    /// <summary>
    /// Hashes every blob, and looks whether every image has all it needs. With <paramref name="repair"/>, what is broken is dropped or set
    /// aside, so that the next pull brings it again. Unpacked layers have no digest that could be checked.
    /// </summary>
    public async Task<IReadOnlyList<StoreProblem>> VerifyAsync(bool repair, CancellationToken cancellationToken = default)
    {
        var corrupt = new List<Digest>();
        foreach (var (digest, _) in store.Blobs.List())
        {
            if (!await IsGoodAsync(digest, cancellationToken).ConfigureAwait(false))
            {
                corrupt.Add(digest);
            }
        }

        using var collector = await FileLock.AcquireAsync(layout.CollectorLock, repair, cancellationToken).ConfigureAwait(false);
        var problems = new List<StoreProblem>();
        foreach (var digest in corrupt)
        {
            // It may have been collected or written again meanwhile.
            if (!await IsGoodAsync(digest, cancellationToken).ConfigureAwait(false))
            {
                problems.Add(Drop(
                    StoreProblemKind.CorruptBlob, layout.Blob(digest), "Its content is not what its name says.", repair, () => store.Blobs.Remove(digest)));
            }
        }

        foreach (var path in store.Blobs.ListUnknown().Concat(store.Layers.ListUnknown()).ToList())
        {
            problems.Add(Drop(StoreProblemKind.Unknown, path, "Nothing in a store has such a name.", repair, () => SetAside(path)));
        }

        CheckImages(await StoreSnapshot.TakeAsync(layout, store, cancellationToken).ConfigureAwait(false), repair, problems);
        return problems;
    }

    private void CheckImages(StoreSnapshot snapshot, bool repair, List<StoreProblem> problems)
    {
        foreach (var image in snapshot.Names.Select(static names => names.Key))
        {
            var isWhole = Check(snapshot, image, problems);
            foreach (var name in isWhole ? [] : snapshot.Names[image])
            {
                problems.Add(Drop(StoreProblemKind.DanglingTag, name, $"Its image {image} is not whole. Pull it again.", repair, () => store.Tags.Remove(name)));
            }
        }
    }

    /// <summary>Of an index, whatever manifests are there must be whole, and one must be.</summary>
    private static bool Check(StoreSnapshot snapshot, Digest image, List<StoreProblem> problems)
    {
        if (!snapshot.Nodes.TryGetValue(image, out var node))
        {
            return false;
        }

        if (node.Document.Index is not null)
        {
            var manifests = node.Manifests.Where(snapshot.Nodes.ContainsKey).ToList();
            return manifests.Count > 0 && manifests.TrueForAll(manifest => Check(snapshot, manifest, problems));
        }

        var isWhole = true;
        foreach (var (index, blob) in node.Blobs.Index())
        {
            if (snapshot.Blobs.ContainsKey(blob.Id))
            {
                continue;
            }

            // An unpacked layer runs without its blob; it only cannot be pushed or saved.
            var isUnpacked = index > 0 && index <= node.Layers.Count
                && (snapshot.NamesOf(node.Layers[index - 1].DiffId).Any() || snapshot.NamesOf(node.Layers[index - 1].ChainId).Any());
            isWhole &= isUnpacked;
            problems.Add(new StoreProblem(
                index == 0 || isUnpacked ? StoreProblemKind.MissingBlob : StoreProblemKind.MissingLayer, blob.Digest,
                $"The image {image} needs it{(isUnpacked ? " to be pushed or saved" : string.Empty)}. Pull it again."));
        }

        return isWhole;
    }

    private static StoreProblem Drop(StoreProblemKind kind, string path, string description, bool repair, Action drop)
    {
        if (repair)
        {
            drop();
        }

        return new StoreProblem(kind, path, description) { IsRepaired = repair };
    }

    private void SetAside(string path)
    {
        if (Libc.Rename(path, Path.Combine(layout.Aside, $"{Path.GetFileName(path)}-{Guid.NewGuid():n}")) != 0)
        {
            throw StoreErrors.From("set aside", path, ErrnoNames.Last);
        }
    }

    /// <summary>What is gone by the time it is looked at is no problem.</summary>
    private async ValueTask<bool> IsGoodAsync(Digest digest, CancellationToken cancellationToken)
    {
        try
        {
            return await store.Blobs.VerifyAsync(digest, cancellationToken).ConfigureAwait(false);
        }
        catch (ImageException exception) when (exception.ErrorNumber is null)
        {
            return true;
        }
        catch (ImageException)
        {
            // The disk cannot give it back.
            return false;
        }
    }
}
