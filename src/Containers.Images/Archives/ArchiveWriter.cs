using System.Text;
using Containers.Interop;
using Containers.RootFilesystems;
using Containers.Store;
using Containers.Tar;

namespace Containers.Archives;

/// <summary>Writes members as a tar or a directory: the same bytes from the same images, whoever writes them when.</summary>
internal static class ArchiveWriter
{
    private const int BufferSize = 1 << 18;
    private const uint DirectoryMode = 0x1ED; // 0755

    public static async Task WriteTarAsync(Stream stream, SortedDictionary<string, ArchiveMember> members, CancellationToken cancellationToken)
    {
        using var writer = new TarWriter(stream);
        var directories = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, member) in members)
        {
            // Skopeo can as an ordinary user not extract a directory that has no member of its own.
            for (var end = name.IndexOf('/', StringComparison.Ordinal); end >= 0; end = name.IndexOf('/', end + 1))
            {
                if (directories.Add(name[..end]))
                {
                    var directory = new TarEntry { Kind = TarEntryKind.Directory, Path = Encoding.UTF8.GetBytes(name[..end]), Mode = DirectoryMode };
                    await writer.StartAsync(directory, cancellationToken).ConfigureAwait(false);
                }
            }

            var content = await member.OpenAsync(cancellationToken).ConfigureAwait(false);
            await using (content.ConfigureAwait(false))
            {
                var entry = new TarEntry { Kind = TarEntryKind.File, Path = Encoding.UTF8.GetBytes(name), Size = member.Size };
                await writer.WriteAsync(entry, content, cancellationToken).ConfigureAwait(false);
            }
        }

        await writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes a file that is there as a whole or not at all.</summary>
    public static async Task WriteTarAsync(string path, SortedDictionary<string, ArchiveMember> members, CancellationToken cancellationToken)
    {
        var temporary = $"{path}.{Guid.NewGuid():n}";
        try
        {
            var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous);
            await using (file.ConfigureAwait(false))
            {
                await WriteTarAsync(file, members, cancellationToken).ConfigureAwait(false);
                DurableFile.Sync(file.SafeFileHandle, path);
            }

            DurableFile.Move(temporary, path);
        }
        catch (Exception exception)
        {
            Libc.Unlink(temporary);
            if (StoreErrors.IsOfFiles(exception))
            {
                throw new ImageException("write the archive", path, exception.Message, exception);
            }

            throw;
        }
    }

    /// <summary>Writes a directory, which must not be there before.</summary>
    public static async Task WriteDirectoryAsync(string path, SortedDictionary<string, ArchiveMember> members, CancellationToken cancellationToken)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.Exists(path))
        {
            throw new ImageException("write the image layout", path, Errno.EEXIST, "Name a directory that is not there.");
        }

        var temporary = $"{path}.{Guid.NewGuid():n}";
        try
        {
            foreach (var (name, member) in members)
            {
                var target = Path.Combine(temporary, name);
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                var content = await member.OpenAsync(cancellationToken).ConfigureAwait(false);
                await using (content.ConfigureAwait(false))
                {
                    var file = new FileStream(target, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous);
                    await using (file.ConfigureAwait(false))
                    {
                        await content.CopyToAsync(file, BufferSize, cancellationToken).ConfigureAwait(false);
                    }
                }
            }

            DurableFile.SyncFileSystem(temporary);
            DurableFile.Move(temporary, path);
        }
        catch (Exception exception)
        {
            DirectoryTree.Remove(temporary);
            if (StoreErrors.IsOfFiles(exception))
            {
                throw new ImageException("write the image layout", path, exception.Message, exception);
            }

            throw;
        }
    }
}
