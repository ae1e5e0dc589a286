using Containers.Interop;
using Containers.Tar;

namespace Containers.Layers;

/// <summary>Goes through a tree, or through directories as an overlay would merge them, and has what is there written.</summary>
internal sealed class PackWalk(PackOptions options, PackedEntries entries, bool isMerged, CancellationToken cancellationToken)
{
    private readonly Dictionary<(ulong FileSystem, ulong Inode), byte[]> _links = [];

    public long Sockets { get; private set; }

    public long Changed { get; private set; }

    public void Pack(IReadOnlyList<PackedLayer> layers, byte[] path, int depth)
    {
        if (depth > options.Limits.Depth)
        {
            throw LayerLimits.Exceeded(nameof(LayerLimits.Depth), options.Limits.Depth);
        }

        foreach (var name in Names(layers, path))
        {
            cancellationToken.ThrowIfCancellationRequested();
            byte[] below = path.Length == 0 ? name[..^1] : [.. path, (byte)'/', .. name.AsSpan(..^1)];
            if (!options.Excluded.Any(excluded => excluded.AsSpan().SequenceEqual(below)))
            {
                PackOne(layers, name, below, path, depth);
            }
        }
    }

    /// <summary>What any of them has, by bytes.</summary>
    private IEnumerable<byte[]> Names(IReadOnlyList<PackedLayer> layers, byte[] path)
    {
        var most = (int)Math.Min(options.Limits.Entries, int.MaxValue);
        return layers.Count == 1
            ? SortedNames.Read(layers[0].Directory, path, most)
            : new SortedSet<byte[]>(layers.SelectMany(layer => SortedNames.Read(layer.Directory, path, most)), Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
    }

    private void PackOne(IReadOnlyList<PackedLayer> layers, byte[] name, byte[] path, byte[] above, int depth)
    {
        var shown = 0;
        Libc.StatxBuffer status;
        while (!LayerDirectories.TryStat(layers[shown].Directory, name, out status, options.Subordinate))
        {
            if (++shown == layers.Count)
            {
                Changed++;
                return;
            }
        }

        if (isMerged && LayerDirectories.IsWhiteout(status))
        {
            return;
        }

        var parent = layers[shown].Directory;
        entries.Owners = layers[shown].Owners;

        if (options.IsUpper && LayerDirectories.IsWhiteout(status))
        {
            entries.WriteMark(above, [.. Whiteout.Prefix, .. name.AsSpan(..^1)], status);
            return;
        }

        if (options.IsUpper && name.AsSpan().StartsWith(Whiteout.Prefix))
        {
            throw new ImageException("pack the layer's file", RawText.Show(path), "By its name it would take away another file. Leave it out, or rename it.");
        }

        switch (TreeFiles.Kind(status))
        {
            case FileKind.Regular:
                PackFile(parent, name, path, above);
                break;
            case FileKind.Directory:
                PackDirectory(layers.Skip(shown), name, path, depth);
                break;
            case FileKind.SymbolicLink when TreeFiles.ReadLink(parent, name, options.Subordinate) is { } target:
                entries.WriteNode(TarEntryKind.SymbolicLink, path, status, target);
                break;
            case FileKind.Fifo:
                entries.WriteNode(TarEntryKind.Fifo, path, status);
                break;
            case FileKind.CharacterDevice:
                entries.WriteNode(TarEntryKind.CharacterDevice, path, status);
                break;
            case FileKind.BlockDevice:
                entries.WriteNode(TarEntryKind.BlockDevice, path, status);
                break;
            case FileKind.Socket:
                Sockets++;
                break;
            default:
                Changed++;
                break;
        }
    }

    private void PackDirectory(IEnumerable<PackedLayer> layers, byte[] name, byte[] path, int depth)
    {
        var opened = new List<PackedLayer>();
        try
        {
            foreach (var layer in layers)
            {
                // As overlay merges: down to what is no directory, or hides the rest. What is mounted on one is not of the tree.
                var isThere = LayerDirectories.TryStat(layer.Directory, name, out var status, options.Subordinate);
                if (isThere && TreeFiles.Kind(status) != FileKind.Directory)
                {
                    break;
                }

                if (!isThere || LayerDirectories.OpenIn(layer.Directory, name, options.Subordinate) is not { } directory)
                {
                    continue;
                }

                opened.Add(layer with { Directory = directory });
                if (directory.IsInvalid || (isMerged && TreeFiles.IsOpaque(directory, options.Subordinate)))
                {
                    break;
                }
            }

            PackDirectory(opened, path, depth);
        }
        finally
        {
            opened.ForEach(static layer => layer.Directory.Dispose());
        }
    }

    private void PackDirectory(List<PackedLayer> layers, byte[] path, int depth)
    {
        if (layers is not [var (directory, _), ..] || directory.IsInvalid || !TreeFiles.TryStat(directory, out var status))
        {
            SkipOrThrow(path);
            return;
        }

        RefuseMark(directory, "redirect", path);
        var isOpaque = options.IsUpper && TreeFiles.IsOpaque(directory, options.Subordinate);
        var entry = entries.Entry(TarEntryKind.Directory, path, status, xattrs: TreeFiles.Xattrs(directory, options.Subordinate));
        entries.Defer(entry);
        if (isOpaque || !IsAsBelow(path, entry))
        {
            entries.WriteDeferred();
        }

        if (isOpaque)
        {
            entries.WriteMark(path, Whiteout.Opaque, status);
        }

        Pack([.. layers.Where(static layer => !layer.Directory.IsInvalid)], path, depth + 1);

        entries.Drop(path);
    }

    /// <summary>Overlay copies a directory up for whatever is made in it; that alone is no change.</summary>
    private bool IsAsBelow(byte[] path, TarEntry entry)
    {
        using var below = options.Lower?.Find([.. LayeredFiles.Split(path)]);
        return below is not null && FileStatus.TryGet(below, out var status)
            && status.Kind == FileKind.Directory && (status.Mode, OwnerMap.Inside(options.LowerOwners.Users, status.UserId), OwnerMap.Inside(options.LowerOwners.Groups, status.GroupId)) == (entry.Mode, entry.UserId, entry.GroupId);
    }

    private void PackFile(FileDescriptor parent, byte[] name, byte[] path, byte[] above)
    {
        using var file = TreeFiles.Open(parent, name, options.Subordinate);
        if (file.IsInvalid || !TreeFiles.TryStat(file, out var status) || TreeFiles.Kind(status) != FileKind.Regular)
        {
            SkipOrThrow(path);
            return;
        }

        if (options.IsUpper && TreeFiles.IsMarkedWhiteout(file, status, options.Subordinate))
        {
            entries.WriteMark(above, [.. Whiteout.Prefix, .. name.AsSpan(..^1)], status);
            return;
        }

        RefuseMark(file, "metacopy", path);
        var identity = (((ulong)status.FileSystemMajor << 32) | status.FileSystemMinor, status.Inode);
        if (status.LinkCount > 1 && !_links.TryAdd(identity, path))
        {
            entries.WriteNode(TarEntryKind.HardLink, path, status, _links[identity]);
            return;
        }

        entries.Start(entries.Entry(TarEntryKind.File, path, status, xattrs: TreeFiles.Xattrs(file, options.Subordinate)));
        if (!entries.CopyContent(file, path, (long)status.Size) || !TreeFiles.TryStat(file, out var after) || after.Size != status.Size
            || after.ModifiedSeconds != status.ModifiedSeconds || after.ModifiedNanoseconds != status.ModifiedNanoseconds)
        {
            Changed++;
        }
    }

    private void SkipOrThrow(byte[] path)
    {
        if (ErrnoNames.Last is var errno and not (Errno.None or Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP or Errno.ENXIO))
        {
            throw new ImageException("open to pack", RawText.Show(path), errno);
        }

        Changed++;
    }

    /// <summary>Overlay's marks for content that is elsewhere: without it, the layer would have wrong files.</summary>
    private void RefuseMark(FileDescriptor file, string mark, byte[] path)
    {
        if (options.IsUpper && TreeFiles.OverlayMark(file, mark, options.Subordinate) is not null)
        {
            throw new ImageException("pack", RawText.Show(path), $"Overlay marked it as {mark}: its content is in another layer. Mount with {mark} off.");
        }
    }
}
