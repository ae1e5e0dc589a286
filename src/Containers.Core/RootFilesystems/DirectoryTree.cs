using System.Diagnostics;
using System.Globalization;
using System.Text;
using Containers.Interop;

namespace Containers.RootFilesystems;

/// <summary>
/// Removes trees that a job filled as it liked: with names that are no text, directories that may not be entered, links, and deeper
/// than any path can say. Processes of the job may be in it for the moment that they still take to die.
/// </summary>
internal static unsafe class DirectoryTree
{
    /// <summary>More than a large tree takes; only one that somebody still fills takes longer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const uint OwnerOnly = 0x1C0; // 0700

    /// <summary>Removes the directory with all below it; one that is not there is no error.</summary>
    /// <exception cref="ContainerException">Something cannot be removed.</exception>
    public static void Remove(string path)
    {
        var since = Stopwatch.GetTimestamp();

        // A job may have shut even its owner out; what is not there is found out next.
        Libc.ChangeModeOf(path, OwnerOnly);
        using (var top = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenNoFollow | Libc.OpenCloseOnExec))
        {
            if (top.IsInvalid)
            {
                if (ErrnoNames.Last is var errno and not Errno.ENOENT)
                {
                    throw new ContainerException("open for removal", path, errno);
                }

                return;
            }

            // Each round takes the first level away and lifts the directories of the second: no recursion, and two descriptors.
            var lifted = 0;
            do
            {
                while (RemoveLevel(top, path, ref lifted) && Stopwatch.GetElapsedTime(since) < Patience)
                {
                }

                if (Libc.RemoveDirectory(path) == 0)
                {
                    return;
                }
            }
            while (ErrnoNames.Last == Errno.ENOTEMPTY && Stopwatch.GetElapsedTime(since) < Patience);
            throw new ContainerException("remove", path, ErrnoNames.Last);
        }
    }

    private static bool RemoveLevel(FileDescriptor top, string path, ref int lifted)
    {
        var names = Names(top, path);
        foreach (var name in names)
        {
            fixed (byte* start = name)
            {
                if (Libc.UnlinkAtBytes(top, start, 0) == 0 || Libc.UnlinkAtBytes(top, start, Libc.AtRemoveDirectory) == 0)
                {
                    continue;
                }

                using var directory = Open(top, start, path);
                foreach (var below in Names(directory, path))
                {
                    fixed (byte* second = below)
                    {
                        if (Libc.UnlinkAtBytes(directory, second, 0) != 0 && Libc.UnlinkAtBytes(directory, second, Libc.AtRemoveDirectory) != 0)
                        {
                            Lift(directory, second, top, path, ref lifted);
                        }
                    }
                }

                if (Libc.UnlinkAtBytes(top, start, Libc.AtRemoveDirectory) != 0 && ErrnoNames.Last is var errno and not Errno.ENOTEMPTY)
                {
                    throw new ContainerException("remove below", path, errno);
                }
            }
        }

        return names.Count > 0;
    }

    private static FileDescriptor Open(FileDescriptor top, byte* name, string path)
    {
        // Its owner may have made it unreadable; to move it, its own entry ".." has to be written as well.
        Require(Libc.ChangeModeAtBytes(top, name, OwnerOnly, 0), path);
        var directory = Libc.OpenAtBytes(top, name, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenNoFollow | Libc.OpenCloseOnExec);
        return directory.IsInvalid ? throw new ContainerException("open for removal in", path, ErrnoNames.Last) : directory;
    }

    private static void Lift(FileDescriptor directory, byte* name, FileDescriptor top, string path, ref int lifted)
    {
        Require(Libc.ChangeModeAtBytes(directory, name, OwnerOnly, 0), path);
        while (true)
        {
            fixed (byte* free = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"lifted-{lifted++}\0")))
            {
                if (Libc.RenameAtBytes(directory, name, top, free) == 0)
                {
                    return;
                }
            }

            if (ErrnoNames.Last is var errno and not (Errno.ENOTEMPTY or Errno.EEXIST or Errno.ENOTDIR))
            {
                throw new ContainerException("remove below", path, errno);
            }
        }
    }

    /// <summary>Every name with its NUL, read to the end before any is removed.</summary>
    private static List<byte[]> Names(FileDescriptor directory, string path)
    {
        var names = new List<byte[]>();
        Require(DirectoryNames.TryRead(directory, names) ? 0 : -1, path);
        return names;
    }

    private static void Require(int result, string path)
    {
        if (result < 0)
        {
            throw new ContainerException("remove below", path, ErrnoNames.Last);
        }
    }
}
