using System.IO.Enumeration;
using System.Text.Json;
using Containers.Interop;
using Containers.Oci;

namespace Containers.Store;

/// <summary>Unpacked layers, all below one directory. One that has its name is whole and on the disk.</summary>
internal sealed class LayerStore(StoreLayout layout, StoreSession session, Action<string> removeTree, Func<string> variant)
{
    /// <summary>What one mount attaches all layers of.</summary>
    public string Directory => layout.Layers;

    /// <summary>The name of the layer's directory below <see cref="Directory"/>; null where it is not there.</summary>
    public string? Find(LayerIdentity identity)
    {
        var name = NameOf(identity.DiffId);
        if (Contains(name))
        {
            return name;
        }

        name = NameOf(identity.ChainId);
        return Contains(name) ? name : null;
    }

    /// <summary>
    /// Takes what is missing of these layers to be unpacked, in one order for everybody, so that no two can wait for each other;
    /// where another unpacks one of them, waits until it has. Whoever has drafts must publish or dispose them before taking more.
    /// A layer that occurs twice is taken once; if it turns out not to be self-contained, take the rest after publishing.
    /// </summary>
    /// <param name="hold">What keeps them from being collected; the identities are added to it.</param>
    /// <param name="identities">The layers of an image, or some of them.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<IReadOnlyList<LayerDraft>> BeginAsync(
        Hold hold, IEnumerable<LayerIdentity> identities, CancellationToken cancellationToken = default)
    {
        var wanted = identities.ToList();
        await hold.AddAsync(wanted.SelectMany(static identity => (Digest[])[identity.DiffId, identity.ChainId]), cancellationToken).ConfigureAwait(false);
        var drafts = new List<LayerDraft>();
        try
        {
            var ordered = wanted.Where(identity => Find(identity) is null)
                .DistinctBy(static identity => identity.DiffId)
                .OrderBy(identity => NameOf(identity.DiffId), StringComparer.Ordinal);
            foreach (var identity in ordered)
            {
                var path = Path.Combine(layout.Locks, NameOf(identity.DiffId));
                var owned = await FileLock.AcquireAsync(path, exclusive: true, cancellationToken).ConfigureAwait(false);
                if (Find(identity) is not null)
                {
                    owned.Remove();
                    owned.Dispose();
                    continue;
                }

                drafts.Add(new LayerDraft(identity, variant(), owned, session.NewPath(), removeTree));
            }

            return drafts;
        }
        catch
        {
            drafts.ForEach(static draft => draft.Dispose());
            throw;
        }
    }

    /// <summary>
    /// Gives layers their names. All that was written to the file system is forced to the disk once before, for all of them; then
    /// they appear. The drafts' locks are free when they are disposed.
    /// </summary>
    public void Publish(IReadOnlyCollection<LayerDraft> drafts)
    {
        foreach (var draft in drafts)
        {
            if (!draft.IsComplete)
            {
                throw new InvalidOperationException("The layer is not complete.");
            }

            WriteRecord(draft);
        }

        DurableFile.SyncFileSystem(layout.Root);
        foreach (var draft in drafts)
        {
            var path = Path.Combine(Directory, draft.Name);

            // A layer of the same name can only be one that was unpacked below another image; it is as good.
            if (Libc.Rename(draft.Directory, path) != 0 && ErrnoNames.Last is var errno and not (Errno.ENOTEMPTY or Errno.EEXIST))
            {
                throw StoreErrors.From("put in place", path, errno);
            }
        }

        DurableFile.SyncDirectory(Directory);
    }

    /// <summary>Every layer, by the name of its directory.</summary>
    public IEnumerable<string> List() =>
        System.IO.Directory.EnumerateDirectories(Directory).Select(static path => Path.GetFileName(path)!).Where(LayerIdentity.IsName);

    /// <summary>What is among the layers and is none.</summary>
    public IEnumerable<string> ListUnknown() => System.IO.Directory.EnumerateFileSystemEntries(Directory)
        .Where(static path => !LayerIdentity.IsName(Path.GetFileName(path)) || !System.IO.Directory.Exists(path));

    /// <summary>Bytes that it takes: as noted when it was unpacked, or counted where that note is lost.</summary>
    public long Size(string name)
    {
        try
        {
            var record = JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(layout.Records, name)), StoreJson.Default.LayerRecord);
            if (record is { Size: >= 0 })
            {
                return record.Size;
            }
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception) || exception is JsonException)
        {
            // A note that the last crash of the machine took, or damaged.
        }

        return Count(Path.Combine(Directory, name));
    }

    /// <summary>Takes a layer away in one moment; what is returned is to be removed in peace.</summary>
    internal string? Detach(string name)
    {
        var path = session.NewPath();
        if (Libc.Rename(Path.Combine(Directory, name), path) != 0)
        {
            return ErrnoNames.Last is var errno and not Errno.ENOENT ? throw StoreErrors.From("take away", Path.Combine(Directory, name), errno) : null;
        }

        Libc.Unlink(Path.Combine(layout.Records, name));
        return path;
    }

    private static long Count(string path)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };
        return new FileSystemEnumerable<long>(path, static (ref entry) => entry.Length, options)
        {
            // A link to a directory leads out of the layer.
            ShouldRecursePredicate = static (ref entry) => !IsLink(entry.Attributes),
            ShouldIncludePredicate = static (ref entry) => !entry.IsDirectory && !IsLink(entry.Attributes),
        }.Sum();
    }

    private static bool IsLink(FileAttributes attributes) => attributes.HasFlag(FileAttributes.ReparsePoint);

    /// <summary>With whose owners they are, so that nobody takes a layer that has others.</summary>
    private string NameOf(Digest digest) => LayerIdentity.NameOf(digest) + variant();

    private bool Contains(string name) => System.IO.Directory.Exists(Path.Combine(Directory, name));

    private void WriteRecord(LayerDraft draft)
    {
        var record = new LayerRecord(draft.Identity.DiffId.ToString(), draft.IsSelfContained ? null : draft.Identity.ChainId.ToString(), draft.Size);
        var temporary = session.NewPath();
        var path = Path.Combine(layout.Records, draft.Name);
        try
        {
            File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(record, StoreJson.Default.LayerRecord));
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception))
        {
            Libc.Unlink(temporary);
            throw StoreErrors.From("write", path, exception);
        }

        DurableFile.Move(temporary, path);
    }
}
