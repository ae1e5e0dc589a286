using Containers.Interop;
using Microsoft.Win32.SafeHandles;

namespace Containers.Store;

/// <summary>
/// Files that are there as a whole or not at all, whatever happens and when: written beside, forced to the disk, renamed, and the
/// directory forced to the disk too.
/// </summary>
internal static class DurableFile
{
    /// <summary>Puts the content in place of what is there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="temporary">A path of this process alone on the same file system.</param>
    /// <param name="content">All of it.</param>
    public static void Write(string path, string temporary, ReadOnlySpan<byte> content)
    {
        try
        {
            using (var handle = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                RandomAccess.Write(handle, content, 0);
                Sync(handle, path);
            }
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception))
        {
            Libc.Unlink(temporary);
            throw StoreErrors.From("write", path, exception);
        }

        Move(temporary, path);
        SyncDirectory(Path.GetDirectoryName(path)!);
    }

    public static void Sync(SafeFileHandle handle, string path)
    {
        if (Libc.Sync(handle) != 0)
        {
            throw StoreErrors.From("force to the disk", path, ErrnoNames.Last);
        }
    }

    /// <summary>A name is on the disk when its directory is.</summary>
    public static void SyncDirectory(string path)
    {
        using var directory = Open(path);
        Sync(directory, path);
    }

    /// <summary>Everything that was written to the file system of this directory.</summary>
    public static void SyncFileSystem(string path)
    {
        using var directory = Open(path);
        if (Libc.SyncFileSystem(directory) != 0)
        {
            throw StoreErrors.From("force to the disk what is below", path, ErrnoNames.Last);
        }
    }

    /// <summary>rename(2): what has the new name is replaced in one moment.</summary>
    public static void Move(string from, string to)
    {
        if (Libc.Rename(from, to) != 0)
        {
            var errno = ErrnoNames.Last;
            Libc.Unlink(from);
            throw StoreErrors.From("put in place", to, errno);
        }
    }

    private static SafeFileHandle Open(string path)
    {
        var directory = Libc.OpenFile(path, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec);
        if (directory.IsInvalid)
        {
            var errno = ErrnoNames.Last;
            directory.Dispose();
            throw StoreErrors.From("open", path, errno);
        }

        return directory;
    }
}
