using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Containers.Interop;
using Containers.Oci;

namespace Containers.Store;

/// <summary>
/// Names of images: a file for each, so that no two updates are ever in each other's way, a damaged one costs one name, and one is
/// found without reading the rest. Reading needs no lock. Which names are allowed is decided by who calls; here they are text.
/// </summary>
internal sealed class TagStore(StoreLayout layout, StoreSession session, Action<StoreProblem> report)
{
    private const int MaxNameLength = 1024;
    private const int MaxFileSize = 64 * 1024;

    /// <summary>What the name means; null where it means nothing here.</summary>
    public Descriptor? Get(string name)
    {
        var path = PathOf(name);
        return Read(path) switch
        {
            { Tag: { } tag } => tag.Target,
            { Garbage: { } reason } => ReportGarbage(path, reason),
            _ => null,
        };
    }

    /// <summary>All names and what they mean, in order.</summary>
    public IReadOnlyList<KeyValuePair<string, Descriptor>> List()
    {
        var tags = new List<KeyValuePair<string, Descriptor>>();
        foreach (var path in Directory.EnumerateFileSystemEntries(layout.Tags))
        {
            var (tag, garbage) = Read(path);
            if (tag is not null)
            {
                tags.Add(KeyValuePair.Create(tag.Name, tag.Target));
            }
            else if (garbage is not null)
            {
                ReportGarbage(path, garbage);
            }
        }

        tags.Sort(static (left, right) => string.CompareOrdinal(left.Key, right.Key));
        return tags;
    }

    /// <summary>Lets the name mean an image of the store, whatever it meant before. The image is safe from being collected from then on.</summary>
    /// <exception cref="ImageException">The image is not in the store, or the name cannot be stored.</exception>
    public async ValueTask SetAsync(string name, Descriptor target, CancellationToken cancellationToken = default)
    {
        var path = PathOf(name);
        using var collector = await FileLock.AcquireAsync(layout.CollectorLock, exclusive: false, cancellationToken).ConfigureAwait(false);
        if (!File.Exists(layout.Blob(target.Id)))
        {
            throw new ImageException("tag", name, $"{target.Id} is not in the store.");
        }

        var record = new TagRecord(name, new Descriptor { MediaType = target.MediaType, Digest = target.Digest, Size = target.Size });
        DurableFile.Write(path, session.NewPath(), JsonSerializer.SerializeToUtf8Bytes(record, StoreJson.Default.TagRecord));
    }

    /// <summary>Takes the name away; false where there is none.</summary>
    public async ValueTask<bool> RemoveAsync(string name, CancellationToken cancellationToken = default)
    {
        using var collector = await FileLock.AcquireAsync(layout.CollectorLock, exclusive: false, cancellationToken).ConfigureAwait(false);
        return Remove(name);
    }

    /// <summary>For who has the collector's lock.</summary>
    internal bool Remove(string name)
    {
        var path = PathOf(name);
        if (Libc.Unlink(path) != 0)
        {
            return ErrnoNames.Last is var errno and not Errno.ENOENT ? throw StoreErrors.From("remove", path, errno) : false;
        }

        DurableFile.SyncDirectory(layout.Tags);
        return true;
    }

    private string PathOf(string name) => string.IsNullOrWhiteSpace(name) || name.Length > MaxNameLength || name.Any(char.IsControl)
        ? throw new ImageException("use as a name", name, $"A name is a line of at most {MaxNameLength} characters.")
        : Path.Combine(layout.Tags, FileNameOf(name));

    private static string FileNameOf(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));

    /// <summary>The tag; or what is wrong with the file; or neither, where it is not there.</summary>
    private static (TagRecord? Tag, string? Garbage) Read(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var length = RandomAccess.GetLength(file);
            if (length > MaxFileSize)
            {
                return (null, $"It has {length} bytes.");
            }

            var content = new byte[length];
            content = content[..RandomAccess.Read(file, content, 0)];
            var tag = JsonSerializer.Deserialize(content, StoreJson.Default.TagRecord);
            return tag is { Name: not null, Target: not null } && FileNameOf(tag.Name) == Path.GetFileName(path)
                && Digest.TryParse(tag.Target.Digest, out _) && tag.Target.Size >= 0
                ? (tag, null)
                : (null, "It names no image.");
        }
        catch (FileNotFoundException)
        {
            return (null, null);
        }
        catch (JsonException exception)
        {
            return (null, exception.Message);
        }
        catch (UnauthorizedAccessException) when (Directory.Exists(path))
        {
            return (null, "It is a directory.");
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception))
        {
            throw StoreErrors.From("read the tag", path, exception);
        }
    }

    /// <summary>Sets it aside, unless it has been replaced meanwhile, or may be at this very moment.</summary>
    private Descriptor? ReportGarbage(string path, string reason)
    {
        using var collector = FileLock.Try(layout.CollectorLock, exclusive: true);
        if (collector is not null && Read(path).Garbage is null)
        {
            return Read(path).Tag?.Target;
        }

        SetAside(path, reason, collector is not null);
        return null;
    }

    private void SetAside(string path, string reason, bool isLocked)
    {
        var isMoved = isLocked && Libc.Rename(path, Path.Combine(layout.Aside, "tag-" + Path.GetFileName(path))) == 0;
        report(new StoreProblem(StoreProblemKind.CorruptTag, path, $"A tag is lost: {reason} Tag or pull the image again.") { IsRepaired = isMoved });
    }
}
