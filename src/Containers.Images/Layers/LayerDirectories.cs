using Containers.Interop;
using Containers.Launch;
using Containers.Tar;

namespace Containers.Layers;

/// <summary>
/// The directories of a layer that is being unpacked, found by descriptors: each path is resolved anew within the layer's root, so a link
/// leads nowhere else. The last directory is kept for the entries after it, until anything is replaced: what is made where nothing was
/// cannot change what a path that was resolved leads to, and what replaces a link or a directory can (CVE-2025-47290).
/// </summary>
internal sealed unsafe class LayerDirectories(FileDescriptor root) : IDisposable
{
    private const int MostLinks = 40;
    private const int MostAttempts = 1000;
    private const uint ImplicitMode = 0x1ED; // 0755
    private const ulong Resolution = Linux.ResolveInRoot | Linux.ResolveNoMagicLinks | Linux.ResolveNoCrossing;

    private readonly Dictionary<ulong, byte[]> _implicit = [];
    private readonly HashSet<ulong> _opaque = [];
    private readonly string _rootPath = System.IO.Path.GetFullPath(new FileInfo($"/proc/self/fd/{root.Number}").LinkTarget!);
    private FileDescriptor? _last;
    private byte[] _lastPath = [];
    private bool _isLastFresh;

    public FileDescriptor Root => root;

    public IEnumerable<byte[]> Implicit => _implicit.Values;

    /// <summary>The directory that an entry belongs in, made if it is not there; borrowed until the next call.</summary>
    public FileDescriptor OpenParent(ReadOnlySpan<byte> path)
    {
        if (path.Length == 1)
        {
            return root;
        }

        if (_isLastFresh && path.SequenceEqual(_lastPath))
        {
            return _last!;
        }

        var links = 0;
        var parent = Open(path, Libc.OpenPath);
        if (parent.IsInvalid)
        {
            parent = Make(path, ErrnoNames.Last, ref links);
        }

        _last?.Dispose();
        _last = parent;
        _lastPath = path.ToArray();
        _isLastFresh = true;
        return parent;
    }

    /// <summary>Whether the layer itself has something else on the way where a directory would have to be. The path has its NUL.</summary>
    public bool IsBelowFile(ReadOnlySpan<byte> path)
    {
        using var whole = Open(path, Libc.OpenPath);
        if (!whole.IsInvalid || ErrnoNames.Last != Errno.ENOTDIR)
        {
            return false;
        }

        var current = Open("\0"u8, Libc.OpenPath);
        for (var (start, end) = (0, 0); end < path.Length; start = ++end)
        {
            end += path[end..].IndexOfAny((byte)'/', (byte)0);
            var next = Open([.. path[..end], 0], Libc.OpenPath);
            if (next.IsInvalid)
            {
                var isThere = TryStat(current, [.. path[start..end], 0], out var status);
                current.Dispose();
                return isThere && !IsWhiteout(status) && (status.Mode & 0xf000) != (int)FileKind.SymbolicLink;
            }

            current.Dispose();
            current = next;
        }

        current.Dispose();
        return false;
    }

    /// <summary>Something was replaced: what the last path leads to may be another directory now.</summary>
    public void Forget() => _isLastFresh = false;

    /// <summary>An existing directory; invalid with the errno where there is none. The path has its NUL.</summary>
    public FileDescriptor Open(ReadOnlySpan<byte> path, int flags)
    {
        var how = new Linux.OpenHow { Flags = (ulong)(uint)(flags | Libc.OpenDirectory | Libc.OpenCloseOnExec), Resolve = Resolution };
        fixed (byte* start = path.Length <= 1 ? ".\0"u8 : path)
        {
            // With ".." in a link, a rename anywhere on the machine at that moment is reason enough for the kernel to be asked again.
            for (var attempt = 0; ; attempt++)
            {
                var directory = Libc.OpenAt2Bytes(root, start, &how);
                if (!directory.IsInvalid || ErrnoNames.Last != Errno.EAGAIN || attempt == MostAttempts)
                {
                    return directory;
                }
            }
        }
    }

    /// <summary>There is an entry of it.</summary>
    public void MakeExplicit(ulong inode) => _implicit.Remove(inode);

    /// <summary>Hides what the layers below have in a directory. Containers in a user namespace mount with userxattr, so both marks are set.</summary>
    public void MarkOpaque(FileDescriptor parent, ReadOnlySpan<byte> name, ReadOnlySpan<byte> path)
    {
        using var directory = OpenIn(parent, name);
        if (directory.IsInvalid || !FileStatus.TryGet(directory, out var status))
        {
            throw new ImageException("open the opaque directory", RawText.Show(path), ErrnoNames.Last);
        }

        if (!_opaque.Add(status.Inode))
        {
            return;
        }

        fixed (byte* trusted = LayerXattrs.TrustedOpaque, user = LayerXattrs.UserOpaque, yes = "y"u8)
        {
            if (Libc.SetXattr(directory, trusted, yes, 1, 0) != 0 && ErrnoNames.Last is var errno and not (Errno.EPERM or Errno.EOPNOTSUPP))
            {
                throw new ImageException("mark as opaque the directory", RawText.Show(path), errno);
            }

            if (Libc.SetXattr(directory, user, yes, 1, 0) != 0)
            {
                throw new ImageException("mark as opaque the directory", RawText.Show(path), ErrnoNames.Last,
                    "The file system of the store must have user extended attributes, as ext4, XFS, Btrfs, and tmpfs since Linux 6.6 have.");
            }
        }
    }

    public static FileDescriptor OpenIn(FileDescriptor parent, ReadOnlySpan<byte> name, SubordinateFiles? subordinate = null)
    {
        var flags = Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenNoFollow | Libc.OpenCloseOnExec;
        fixed (byte* start = name)
        {
            var directory = Libc.OpenAtBytes(parent, start, flags);
            return directory.IsInvalid && TreeFiles.IsClosed(subordinate) ? subordinate!.Open(parent, name, flags) : directory;
        }
    }

    public static bool TryStat(FileDescriptor parent, ReadOnlySpan<byte> name, out Libc.StatxBuffer status, SubordinateFiles? subordinate = null)
    {
        fixed (byte* start = name)
        fixed (Libc.StatxBuffer* buffer = &status)
        {
            if (Libc.StatxBytes(parent, start, Libc.AtNoFollow, 0x7ff, buffer) == 0)
            {
                return true;
            }
        }

        if (!TreeFiles.IsClosed(subordinate))
        {
            return false;
        }

        using var file = subordinate!.Open(parent, name, Libc.OpenPath);
        return !file.IsInvalid && TreeFiles.TryStat(file, out status);
    }

    /// <summary>Overlay's mark of something gone: a character device 0/0. No entry of a layer makes one, only a whiteout does.</summary>
    public static bool IsWhiteout(in Libc.StatxBuffer status) =>
        (status.Mode & 0xf000) == (int)FileKind.CharacterDevice && status is { DeviceMajor: 0, DeviceMinor: 0 };

    public void Dispose() => _last?.Dispose();

    /// <summary>Makes what is missing of a path. A link that leads to nothing yet is followed within the root, and what it names is made.</summary>
    private FileDescriptor Make(ReadOnlySpan<byte> path, Errno reason, ref int links)
    {
        if (reason is not (Errno.ENOENT or Errno.ENOTDIR))
        {
            throw new ImageException("unpack the layer into", RawText.Show(path[..^1]), reason);
        }

        var current = Open("\0"u8, Libc.OpenPath);
        try
        {
            for (var (start, end) = (0, 0); end < path.Length; start = ++end)
            {
                while (path[end] is not ((byte)'/' or 0))
                {
                    end++;
                }

                if (end == start)
                {
                    continue;
                }

                byte[] prefix = [.. path[..end], 0];
                var next = Open(prefix, Libc.OpenPath);
                if (next.IsInvalid && ErrnoNames.Last is Errno.ENOENT or Errno.ENOTDIR)
                {
                    MakeOne(current, prefix, start, ref links);
                    next = Open(prefix, Libc.OpenPath);
                }

                if (next.IsInvalid)
                {
                    throw new ImageException("unpack the layer into", RawText.Show(prefix.AsSpan()[..^1]), ErrnoNames.Last);
                }

                current.Dispose();
                current = next;
            }

            return current;
        }
        catch
        {
            current.Dispose();
            throw;
        }
    }

    private void MakeOne(FileDescriptor parent, byte[] prefix, int start, ref int links)
    {
        var name = prefix.AsSpan(start);
        var isReplaced = false;
        fixed (byte* nameStart = name)
        {
            while (Libc.MakeDirectoryAtBytes(parent, nameStart, ImplicitMode) != 0)
            {
                if (ErrnoNames.Last is var errno and not Errno.EEXIST)
                {
                    throw new ImageException("make the directory", RawText.Show(prefix.AsSpan()[..^1]), errno);
                }

                if (TryStat(parent, name, out var status) && IsWhiteout(status) && Libc.UnlinkAtBytes(parent, nameStart, 0) == 0)
                {
                    isReplaced = true;
                    continue;
                }

                if ((status.Mode & 0xf000) != (int)FileKind.SymbolicLink || ++links > MostLinks)
                {
                    throw LayerPath.Refused(prefix.AsSpan()[..^1], "Entries are below it, and it is no directory.");
                }

                var target = ReadLink(parent, nameStart);
                byte[] path = target is [(byte)'/', ..] ? [.. target.AsSpan().TrimStart((byte)'/'), 0] : [.. prefix.AsSpan(0, start), .. target, 0];
                Make(path, Errno.ENOENT, ref links).Dispose();
                return;
            }
        }

        if (TryStat(parent, name, out var made))
        {
            _implicit[made.Inode] = RealPath(parent, name);
        }

        if (isReplaced)
        {
            MarkOpaque(parent, name, prefix);
        }
    }

    private static byte[] ReadLink(FileDescriptor parent, byte* name)
    {
        var target = new byte[4096];
        fixed (byte* start = target)
        {
            var length = Libc.ReadLinkAtBytes(parent, name, start, (nuint)target.Length);
            return length > 0 ? target[..(int)length] : throw new ImageException("read the link", null, ErrnoNames.Last);
        }
    }

    /// <summary>Without links in it, as the layers below have to be asked for it.</summary>
    private byte[] RealPath(FileDescriptor parent, ReadOnlySpan<byte> name)
    {
        using var anywhere = new FileDescriptor(Libc.AtFdCwd);
        byte[] directory;
        fixed (byte* link = System.Text.Encoding.ASCII.GetBytes($"/proc/self/fd/{parent.Number}\0"))
        {
            directory = ReadLink(anywhere, link);
        }

        var below = directory.AsSpan(Math.Min(System.Text.Encoding.UTF8.GetByteCount(_rootPath), directory.Length)).TrimStart((byte)'/');
        return below.IsEmpty ? name[..^1].ToArray() : [.. below, (byte)'/', .. name[..^1]];
    }
}
