using System.Globalization;
using System.Text;
using Containers.Interop;

namespace Containers.Layers;

/// <summary>
/// Looks up what an overlay of layers would show, without mounting it: what a layer has hides what those below have of the name, a
/// whiteout or an opaque directory also where it has nothing. Links are resolved among all layers, and never out of them.
/// </summary>
/// <param name="layers">The directories, top first.</param>
/// <param name="subordinate">Opens what is closed to the user, as files of its subordinate ids can be; null where nothing is.</param>
internal sealed class LayeredFiles(IReadOnlyList<string> layers, SubordinateFiles? subordinate = null)
{
    private const string UserMark = "user.overlay.opaque";
    private const uint OthersRead = 4;
    private const int MaxLinks = 40;
    private const int MaxTarget = 4096;
    private const int OpenDirectory = Libc.OpenPath | Libc.OpenCloseOnExec;

    /// <summary>What is at the path, with links followed; null where there is nothing. The descriptor is one of O_PATH.</summary>
    /// <exception cref="ContainerException">It leads through too many links.</exception>
    public FileDescriptor? Resolve(string path)
    {
        var pending = new Stack<byte[]>(Split(Encoding.UTF8.GetBytes(path)).Reverse());
        var resolved = new List<byte[]>();
        var links = 0;
        FileDescriptor? found = null;
        while (pending.TryPop(out var name))
        {
            if (name.AsSpan().SequenceEqual(".."u8))
            {
                resolved.RemoveRange(Math.Max(resolved.Count - 1, 0), Math.Min(resolved.Count, 1));
                continue;
            }

            resolved.Add(name);
            found?.Dispose();
            found = Find(resolved);
            if (found is null || !FileStatus.TryGet(found, out var status))
            {
                return null;
            }

            if (status.Kind == FileKind.SymbolicLink)
            {
                if (++links > MaxLinks)
                {
                    found.Dispose();
                    throw new ContainerException("read in the root", path, Errno.ELOOP);
                }

                var target = Target(found);
                resolved.RemoveAt(resolved.Count - 1);
                if (target is [(byte)'/', ..])
                {
                    resolved.Clear();
                }

                foreach (var part in Split(target).Reverse())
                {
                    pending.Push(part);
                }
            }
        }

        return found ?? Find(resolved);
    }

    /// <summary>What is at a path without links in it; null where there is nothing.</summary>
    public unsafe FileDescriptor? Find(IReadOnlyList<byte[]> names)
    {
        foreach (var layer in layers)
        {
            var directory = Libc.Open(layer, OpenDirectory | Libc.OpenDirectory);
            var isOpaque = false;
            for (var i = 0; i < names.Count && !directory.IsInvalid; i++)
            {
                using var parent = directory;
                fixed (byte* name = (byte[])[.. names[i], 0])
                {
                    directory = Libc.OpenAtBytes(parent, name, OpenDirectory | Libc.OpenNoFollow);
                }

                if (directory.IsInvalid && subordinate is not null && ErrnoNames.Last == Errno.EACCES)
                {
                    directory = subordinate.Open(parent, (byte[])[.. names[i], 0], OpenDirectory | Libc.OpenNoFollow);
                }

                if (directory.IsInvalid)
                {
                    // Only what is missing can come from below, and not through what hides everything below.
                    isOpaque |= ErrnoNames.Last != Errno.ENOENT;
                    break;
                }

                if (!FileStatus.TryGet(directory, out var status) || IsWhiteout(status) || (i < names.Count - 1 && status.Kind != FileKind.Directory))
                {
                    directory.Dispose();
                    return null;
                }

                isOpaque |= status.Kind == FileKind.Directory && IsOpaque(directory, status);
            }

            if (!directory.IsInvalid)
            {
                return directory;
            }

            if (isOpaque)
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>Another descriptor of the very file; nothing is resolved again.</summary>
    public static FileDescriptor Reopen(FileDescriptor file, int flags, SubordinateFiles? subordinate = null)
    {
        var opened = Libc.Open(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file.Number}"), flags | Libc.OpenCloseOnExec);
        if (opened.IsInvalid && subordinate is not null && ErrnoNames.Last == Errno.EACCES)
        {
            opened = subordinate.Open(file, default, flags);
        }

        return opened.IsInvalid ? throw new ContainerException("open", "a file of a layer", ErrnoNames.Last) : opened;
    }

    public static IEnumerable<byte[]> Split(ReadOnlyMemory<byte> path)
    {
        while (!path.IsEmpty)
        {
            var end = path.Span.IndexOf((byte)'/');
            var name = end < 0 ? path : path[..end];
            path = end < 0 ? default : path[(end + 1)..];
            if (!name.IsEmpty && !name.Span.SequenceEqual("."u8))
            {
                yield return name.ToArray();
            }
        }
    }

    /// <summary>A character device with the number 0/0 (overlayfs.rst, whiteouts).</summary>
    private static bool IsWhiteout(in FileStatus status) => status is { Kind: FileKind.CharacterDevice, DeviceMajor: 0, DeviceMinor: 0 };

    /// <summary>Who may not read a directory is not told of its attributes either.</summary>
    private bool IsOpaque(FileDescriptor directory, in FileStatus status) =>
        subordinate is not null && status.UserId != Libc.EffectiveUserId() && (status.Mode & OthersRead) == 0
            ? subordinate.ReadXattr(directory, LayerXattrs.UserOpaque) is [(byte)'y']
            : IsMarkedOpaque(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory.Number}"));

    /// <summary>Nothing of what is below the directory is to be seen.</summary>
    public static unsafe bool IsMarkedOpaque(string path)
    {
        byte value = 0;
        foreach (var name in (ReadOnlySpan<string>)[UserMark, "trusted.overlay.opaque"])
        {
            if (Libc.GetXattrOf(path, name, &value, 1) == 1 && value == (byte)'y')
            {
                return true;
            }
        }

        return false;
    }

    /// <exception cref="ContainerException">The file system takes no such attributes.</exception>
    public static unsafe void MarkOpaque(string path)
    {
        var value = (byte)'y';
        if (Libc.SetXattrOf(path, UserMark, &value, 1, 0) != 0)
        {
            throw new ContainerException("mark as opaque", path, ErrnoNames.Last);
        }
    }

    private static unsafe byte[] Target(FileDescriptor link)
    {
        var target = new byte[MaxTarget];
        fixed (byte* start = target)
        fixed (byte* empty = "\0"u8)
        {
            var length = Libc.ReadLinkAtBytes(link, empty, start, (nuint)target.Length);
            return length < 0 ? throw new ContainerException("read the link", null, ErrnoNames.Last) : target[..(int)length];
        }
    }
}
