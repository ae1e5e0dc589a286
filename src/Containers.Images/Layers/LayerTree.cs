using Containers.Interop;
using Containers.RootFilesystems;
using Containers.Tar;

namespace Containers.Layers;

/// <summary>
/// Makes the files of a layer, each by its parent's descriptor and its name, so that nothing is followed. Calls that would change
/// nothing are left out: a layer of many small files is as slow as its system calls.
/// </summary>
internal sealed unsafe class LayerTree : IDisposable
{
    private const uint OwnerOnly = 0x1C0; // 0700
    private const uint OwnerReadWrite = 0x180; // 0600
    private const uint Permissions = 0x1FF; // 0777

    private readonly ILayerOwners _owners;
    private readonly LaterOwners? _later;
    private readonly bool _isRoot = Libc.EffectiveUserId() == 0;
    private readonly uint _self = Libc.EffectiveUserId();
    private readonly uint _selfGroup = Libc.EffectiveGroupId();
    private readonly Dictionary<ulong, (byte[] Path, TarEntry Entry)> _directories = [];

    /// <summary>Modes given to calls that make files are what the files get: this thread's mask is empty, and nobody else's business.</summary>
    private readonly bool _areModesExact;

    /// <summary>For the thread that is to do all the work, and that ends with it.</summary>
    public LayerTree(FileDescriptor root, ILayerOwners owners)
    {
        _owners = owners;
        _later = owners as LaterOwners;
        Directories = new LayerDirectories(root);
        if (Libc.Unshare(Libc.UnshareFileSystem) == 0)
        {
            _ = Libc.SetFileModeMask(0);
            _areModesExact = true;
        }
    }

    public LayerDirectories Directories { get; }

    public long DroppedXattrs { get; private set; }

    public void Dispose() => Directories.Dispose();

    public FileDescriptor CreateFile(FileDescriptor parent, LayerPath path, TarEntry entry)
    {
        // An attribute is set while its file can be written.
        var mode = _areModesExact && entry.Xattrs.Count == 0 ? entry.Mode & Permissions : OwnerReadWrite;
        fixed (byte* name = path.Leaf)
        {
            while (true)
            {
                var file = Libc.OpenAtBytes(
                    parent, name, Libc.OpenWriteOnly | Libc.OpenCreate | Libc.OpenExclusive | Libc.OpenNoFollow | Libc.OpenCloseOnExec, mode);
                if (!file.IsInvalid)
                {
                    return file;
                }

                ReplaceOrThrow(parent, path, "create", ErrnoNames.Last);
            }
        }
    }

    /// <summary>After its content: a change of owner clears set-id bits, and a write clears capabilities.</summary>
    public void FinishFile(FileDescriptor file, LayerPath path, TarEntry entry)
    {
        if (_owners.Of(entry) is var (user, group) && (user != _self || group != _selfGroup))
        {
            Require(Libc.ChangeOwner(file, user, group), "change the owner of", path);
        }

        SetXattrs(file, path.Leaf, entry);
        if (!_areModesExact || entry.Xattrs.Count > 0 || (entry.Mode & ~Permissions) != 0)
        {
            Require(Libc.ChangeMode(file, entry.Mode), "change the mode of", path);
        }

        SetTimes(file, null, entry, 0, path);
        _later?.Made(path, entry);
    }

    public void MakeDirectory(LayerPath path, TarEntry entry)
    {
        if (path.IsRoot)
        {
            Require(FileStatus.TryGet(Directories.Root, out var root) ? 0 : -1, "look at", path);
            _directories[root.Inode] = ([0], entry);
            return;
        }

        var parent = Directories.OpenParent(path.Parent);
        var hidesBelow = false;
        Libc.StatxBuffer status;
        fixed (byte* name = path.Leaf)
        {
            while (Libc.MakeDirectoryAtBytes(parent, name, OwnerOnly) != 0)
            {
                var errno = ErrnoNames.Last;
                if (errno == Errno.EEXIST && LayerDirectories.TryStat(parent, path.Leaf, out status) && (status.Mode & 0xf000) == (int)FileKind.Directory)
                {
                    break;
                }

                hidesBelow |= ReplaceOrThrow(parent, path, "make the directory", errno);
            }
        }

        Require(LayerDirectories.TryStat(parent, path.Leaf, out status) ? 0 : -1, "look at", path);
        if (hidesBelow)
        {
            Directories.MarkOpaque(parent, path.Leaf, path.Leaf);
        }

        Directories.MakeExplicit(status.Inode);
        _directories[status.Inode] = (path.ToArray(), entry);
    }

    public void MakeSymbolicLink(FileDescriptor parent, LayerPath path, TarEntry entry)
    {
        byte[] target = [.. entry.LinkTarget.Span, 0];
        fixed (byte* name = path.Leaf, targetStart = target)
        {
            while (Libc.SymlinkAtBytes(targetStart, parent, name) != 0)
            {
                ReplaceOrThrow(parent, path, "make the link", ErrnoNames.Last);
            }
        }

        FinishNode(parent, path, entry);
    }

    public void MakeFifo(FileDescriptor parent, LayerPath path, TarEntry entry)
    {
        fixed (byte* name = path.Leaf)
        {
            while (Libc.MakeNodeAtBytes(parent, name, (uint)FileKind.Fifo | (entry.Mode & Permissions), 0) != 0)
            {
                ReplaceOrThrow(parent, path, "make the fifo", ErrnoNames.Last);
            }

            if (!_areModesExact)
            {
                Require(Libc.ChangeModeAtBytes(parent, name, entry.Mode & Permissions, 0), "change the mode of", path);
            }
        }

        FinishNode(parent, path, entry);
    }

    /// <summary>Another name of what the same layer brought. A link as the target is linked itself, never followed.</summary>
    public void MakeHardLink(FileDescriptor parent, LayerPath path, TarEntry entry)
    {
        var target = entry.LinkTarget.Span.TrimEnd((byte)'/');
        var slash = target.LastIndexOf((byte)'/');
        byte[] leaf = [.. target[(slash + 1)..], 0];
        using var directory = Directories.Open(slash < 0 ? "\0"u8 : (byte[])[.. target[..slash].TrimStart((byte)'/'), 0], Libc.OpenPath);
        if (LayerPath.IsNoName(leaf) || target.Contains((byte)0) || directory.IsInvalid
            || !LayerDirectories.TryStat(directory, leaf, out var status) || LayerDirectories.IsWhiteout(status))
        {
            throw LayerPath.Refused(entry.Path.Span, $"It is a hard link to {RawText.Show(target)}, which is not in this layer. Links cannot cross layers; make the image again.");
        }

        if ((status.Mode & 0xf000) == (int)FileKind.Directory)
        {
            throw LayerPath.Refused(entry.Path.Span, $"It is a hard link to {RawText.Show(target)}, which is a directory.");
        }

        fixed (byte* name = path.Leaf, from = leaf)
        {
            while (Libc.LinkAtBytes(directory, from, parent, name, 0) != 0)
            {
                var errno = ErrnoNames.Last;
                if (errno == Errno.EEXIST && LayerDirectories.TryStat(parent, path.Leaf, out var existing) && existing.Inode == status.Inode)
                {
                    return;
                }

                ReplaceOrThrow(parent, path, "link", errno);
            }
        }

        if (_later is not null)
        {
            var first = new LayerPath();
            first.Set(target, int.MaxValue);
            _later.Linked(path, first);
        }
    }

    /// <summary>Overlay's own form of "gone". What the same layer brings by that name stays; of a directory, only what is below it goes.</summary>
    public void MakeWhiteout(FileDescriptor parent, LayerPath path, ReadOnlySpan<byte> name)
    {
        fixed (byte* start = name)
        {
            if (Libc.MakeNodeAtBytes(parent, start, (uint)FileKind.CharacterDevice, 0) == 0)
            {
                return;
            }
        }

        var errno = ErrnoNames.Last;
        if (errno != Errno.EEXIST)
        {
            throw new ImageException("make the whiteout", RawText.Show(name), errno, "A device 0/0 can be made by everybody, unless a sandbox around this process forbids it.");
        }

        Require(LayerDirectories.TryStat(parent, name, out var status) ? 0 : -1, "look at", path);
        if ((status.Mode & 0xf000) == (int)FileKind.Directory)
        {
            Directories.MarkOpaque(parent, name, path.Leaf);
        }
    }

    /// <summary>Owners, modes and times of directories, the deepest first: until then each can be written, and its time would change.</summary>
    public void FinishDirectories()
    {
        if (!_directories.Values.Any(directory => directory.Path.Length == 1))
        {
            Libc.ChangeMode(Directories.Root, 0x1ED); // 0755
        }

        var path = new LayerPath();
        foreach (var (inode, (name, entry)) in _directories.OrderByDescending(pair => pair.Value.Path, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b))))
        {
            using var directory = Directories.Open(name, Libc.OpenReadOnly | Libc.OpenNoFollow);
            if (directory.IsInvalid || !FileStatus.TryGet(directory, out var status) || status.Inode != inode)
            {
                // A later entry took its place.
                continue;
            }

            path.Set(name.AsSpan()[..^1], int.MaxValue);
            if (_owners.Of(entry) is var (user, group) && (user != status.UserId || group != status.GroupId))
            {
                Require(Libc.ChangeOwner(directory, user, group), "change the owner of", path);
            }

            SetXattrs(directory, path.Leaf, entry);
            if (status.Mode != entry.Mode)
            {
                Require(Libc.ChangeMode(directory, entry.Mode), "change the mode of", path);
            }

            SetTimes(directory, null, entry, 0, path);
            _later?.Made(path, entry);
        }
    }

    /// <summary>The layer's root has an entry.</summary>
    public bool HasRoot => _directories.Values.Any(directory => directory.Path.Length == 1);

    public static void Require(int result, string step, LayerPath path)
    {
        if (result < 0)
        {
            Throw(step, path, ErrnoNames.Last);
        }
    }

    private static void Throw(string step, LayerPath path, Errno errno) => throw new ImageException(step, RawText.Show(path.ToArray().AsSpan()[..^1]), errno, errno switch
    {
        Errno.ENOSPC or Errno.EDQUOT => Store.StoreErrors.Full,
        Errno.EPERM => "Files with these owners and rights need root, or all its capabilities where this process is confined.",
        _ => null,
    });

    /// <summary>The last entry of a name wins. True where a whiteout was there.</summary>
    private bool ReplaceOrThrow(FileDescriptor parent, LayerPath path, string step, Errno errno)
    {
        if (errno != Errno.EEXIST)
        {
            Throw(step, path, errno);
        }

        Directories.Forget();
        Require(LayerDirectories.TryStat(parent, path.Leaf, out var status) ? 0 : -1, step, path);
        fixed (byte* name = path.Leaf, replaced = Whiteout.Replaced)
        {
            if ((status.Mode & 0xf000) != (int)FileKind.Directory)
            {
                Require(Libc.UnlinkAtBytes(parent, name, 0), "replace", path);
                _later?.Replaced(path, isDirectory: false);
                return LayerDirectories.IsWhiteout(status);
            }

            Require(Libc.RenameAtBytes(parent, name, Directories.Root, replaced), "replace", path);
            _later?.Replaced(path, isDirectory: true);
        }

        DirectoryTree.Remove($"/proc/self/fd/{Directories.Root.Number}/{System.Text.Encoding.ASCII.GetString(Whiteout.Replaced[..^1])}");
        return false;
    }

    private void FinishNode(FileDescriptor parent, LayerPath path, TarEntry entry)
    {
        DroppedXattrs += entry.Xattrs.Count;
        fixed (byte* name = path.Leaf)
        {
            if (_owners.Of(entry) is var (user, group) && (user != _self || group != _selfGroup))
            {
                Require(Libc.ChangeOwnerAtBytes(parent, name, user, group, Libc.AtNoFollow), "change the owner of", path);
            }

            SetTimes(parent, name, entry, Libc.AtNoFollow, path);
        }

        _later?.Made(path, entry);
    }

    private void SetXattrs(FileDescriptor file, ReadOnlySpan<byte> path, TarEntry entry)
    {
        foreach (var xattr in entry.Xattrs)
        {
            if (!LayerXattrs.IsAllowed(xattr.Name.Span, xattr.Value.Span))
            {
                DroppedXattrs++;
                continue;
            }

            if (_later is not null && xattr.Name.Span.SequenceEqual(LayerXattrs.Capability))
            {
                // With the owner, which a change of would take it away.
                continue;
            }

            fixed (byte* name = (byte[])[.. xattr.Name.Span, 0], value = xattr.Value.Span)
            {
                if (Libc.SetXattr(file, name, value, (nuint)xattr.Value.Length, 0) == 0)
                {
                    continue;
                }
            }

            // What the file system or an ordinary user cannot have is counted; a full disk, or root without its rights, is an error.
            var errno = ErrnoNames.Last;
            if (errno != Errno.EOPNOTSUPP && (errno != Errno.EPERM || _isRoot))
            {
                throw new ImageException($"set {RawText.Show(xattr.Name.Span)} of", RawText.Show(path[..^1]), errno);
            }

            DroppedXattrs++;
        }
    }

    private static void SetTimes(FileDescriptor file, byte* name, TarEntry entry, int flags, LayerPath path)
    {
        var times = stackalloc long[] { entry.Modified.Seconds, entry.Modified.Nanoseconds, entry.Modified.Seconds, entry.Modified.Nanoseconds };

        // Without a name the C library takes the descriptor's own file from futimens alone.
        Require(name == null ? Libc.SetTimes(file, times) : Libc.SetTimesAtBytes(file, name, times, flags), "set the times of", path);
    }
}
