using Containers.Interop;
using Containers.Layers;
using Containers.Tar;

namespace Containers.Committing;

/// <summary>What a container changed, without what the engine made in its root and directories that are only on the way to a change.</summary>
internal static class WrittenChanges
{
    public static async Task<IReadOnlyList<ImageChange>> FindAsync(WrittenFiles written, CancellationToken cancellationToken)
    {
        var lowers = new List<FileDescriptor>();
        try
        {
            foreach (var path in written.Image.LayerPaths)
            {
                lowers.Add(Libc.Open(path, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec));
                if (lowers[^1].IsInvalid)
                {
                    throw new ImageException("open the layer", path, ErrnoNames.Last);
                }
            }

            var found = await LayerChanges.FindAsync(written.Upper, lowers, LayerLimits.Default, written.Image.Subordinate, cancellationToken).ConfigureAwait(false);
            return Keep(written, found);
        }
        finally
        {
            lowers.ForEach(static lower => lower.Dispose());
        }
    }

    /// <summary>From the last to the first, so that what is below a directory is decided before the directory is.</summary>
    private static List<ImageChange> Keep(WrittenFiles written, IReadOnlyList<LayerChange> found)
    {
        var excluded = written.Excluded;
        var own = written.Image.Files;
        var kept = new List<ImageChange>();
        byte[] last = [];
        for (var i = found.Count - 1; i >= 0; i--)
        {
            var (kind, path) = found[i];
            if (excluded.Any(left => IsAtOrBelow(path, left))
                || (kind == LayerChangeKind.Modified && !IsAtOrBelow(last, path) && IsAsBelow(written, own, path)))
            {
                continue;
            }

            last = path;
            kept.Add(new ImageChange(
                kind switch { LayerChangeKind.Added => ImageChangeKind.Added, LayerChangeKind.Deleted => ImageChangeKind.Deleted, _ => ImageChangeKind.Modified }, "/" + RawText.Show(path)));
        }

        kept.Reverse();
        return kept;
    }

    private static bool IsAtOrBelow(ReadOnlySpan<byte> path, ReadOnlySpan<byte> directory) =>
        path.StartsWith(directory) && (path.Length == directory.Length || path[directory.Length] == (byte)'/');

    private static unsafe bool IsAsBelow(WrittenFiles written, LayeredFiles lower, byte[] path)
    {
        using var below = lower.Find([.. LayeredFiles.Split(path)]);
        var how = new Launch.Linux.OpenHow { Flags = Libc.OpenPath | Libc.OpenCloseOnExec | (ulong)Libc.OpenNoFollow, Resolve = Launch.Linux.ResolveInRoot | Launch.Linux.ResolveNoMagicLinks };
        fixed (byte* start = (byte[])[.. path, 0])
        {
            using var opened = Libc.OpenAt2Bytes(written.Upper, start, &how);
            using var inside = opened.IsInvalid && TreeFiles.IsClosed(written.Image.Subordinate) ? written.Image.Subordinate!.Open(written.Upper, (byte[])[.. path, 0], Libc.OpenPath) : null;
            var above = inside ?? opened;
            var (owners, lowerOwners) = (written.PackOptions.Owners, written.PackOptions.LowerOwners);
            return below is not null && FileStatus.TryGet(below, out var old) && FileStatus.TryGet(above, out var now)
                && old.Kind == FileKind.Directory && now.Kind == FileKind.Directory
                && (old.Mode, OwnerMap.Inside(lowerOwners.Users, old.UserId), OwnerMap.Inside(lowerOwners.Groups, old.GroupId))
                == (now.Mode, OwnerMap.Inside(owners.Users, now.UserId), OwnerMap.Inside(owners.Groups, now.GroupId));
        }
    }
}
