using Containers.Interop;

namespace Containers.Layers;

/// <summary>Compares an overlay's upper directory with the lower ones. All of them are reached by descriptors alone, and no link is followed.</summary>
internal sealed class LayerChanges
{
    private readonly List<LayerChange> _changes = [];
    private readonly LayerLimits _limits;
    private readonly CancellationToken _cancellationToken;

    private readonly SubordinateFiles? _subordinate;

    private LayerChanges(LayerLimits limits, SubordinateFiles? subordinate, CancellationToken cancellationToken)
    {
        _subordinate = subordinate;
        _limits = limits;
        _cancellationToken = cancellationToken;
    }

    /// <summary>What is added, modified and deleted, sorted by path within each directory.</summary>
    /// <param name="upper">Opened for reading.</param>
    /// <param name="lowers">Opened for reading, the topmost first.</param>
    /// <param name="limits">How many names are looked at, and how deep.</param>
    /// <param name="subordinate">Opens what is closed to the user; null where nothing is.</param>
    /// <param name="cancellationToken">Stops in the middle.</param>
    public static Task<IReadOnlyList<LayerChange>> FindAsync(
        FileDescriptor upper, IReadOnlyList<FileDescriptor> lowers, LayerLimits limits, SubordinateFiles? subordinate, CancellationToken cancellationToken) =>
        DedicatedThread.RunAsync<IReadOnlyList<LayerChange>>(() =>
        {
            var changes = new LayerChanges(limits, subordinate, cancellationToken);
            changes.Compare(upper, lowers, [], 0, hidesBelow: false);
            return changes._changes;
        });

    private void Compare(FileDescriptor upper, IReadOnlyList<FileDescriptor> lowers, byte[] path, int depth, bool hidesBelow)
    {
        if (depth > _limits.Depth)
        {
            throw LayerLimits.Exceeded(nameof(LayerLimits.Depth), _limits.Depth);
        }

        var most = (int)Math.Min(_limits.Entries, int.MaxValue);
        var names = SortedNames.Read(upper, path, most);
        var gone = hidesBelow ? Below(lowers, most, path).Where(name => !names.Exists(known => known.AsSpan().SequenceEqual(name))) : [];
        foreach (var name in names.Concat(gone.ToArray()).Order(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b))))
        {
            _cancellationToken.ThrowIfCancellationRequested();
            byte[] below = path.Length == 0 ? name[..^1] : [.. path, (byte)'/', .. name.AsSpan(..^1)];
            var isBelow = IsBelow(lowers, name);
            if (!LayerDirectories.TryStat(upper, name, out var status, _subordinate) || LayerDirectories.IsWhiteout(status))
            {
                Add(isBelow, LayerChangeKind.Deleted, below);
            }
            else if (TreeFiles.Kind(status) == FileKind.Directory)
            {
                using var directory = LayerDirectories.OpenIn(upper, name, _subordinate);
                Add(true, isBelow ? LayerChangeKind.Modified : LayerChangeKind.Added, below);
                if (!directory.IsInvalid)
                {
                    CompareBelow(directory, lowers, name, below, depth, hidesBelow);
                }
            }
            else
            {
                using var file = TreeFiles.Kind(status) == FileKind.Regular && status.Size == 0 ? TreeFiles.Open(upper, name, _subordinate) : null;
                var isWhiteout = file is { IsInvalid: false } && TreeFiles.IsMarkedWhiteout(file, status, _subordinate);
                Add(!isWhiteout || isBelow, isWhiteout ? LayerChangeKind.Deleted : isBelow ? LayerChangeKind.Modified : LayerChangeKind.Added, below);
            }
        }
    }

    private void CompareBelow(FileDescriptor directory, IReadOnlyList<FileDescriptor> lowers, byte[] name, byte[] path, int depth, bool hidesBelow)
    {
        var below = new List<FileDescriptor>();
        try
        {
            // As overlay merges: down to what is no directory, or hides the rest.
            foreach (var lower in lowers)
            {
                if (!LayerDirectories.TryStat(lower, name, out var status, _subordinate))
                {
                    continue;
                }

                var opened = TreeFiles.Kind(status) == FileKind.Directory ? LayerDirectories.OpenIn(lower, name, _subordinate) : null;
                if (opened is null or { IsInvalid: true })
                {
                    break;
                }

                below.Add(opened);
                if (TreeFiles.IsOpaque(opened, _subordinate))
                {
                    break;
                }
            }

            Compare(directory, below, path, depth + 1, hidesBelow || TreeFiles.IsOpaque(directory, _subordinate));
        }
        finally
        {
            below.ForEach(opened => opened.Dispose());
        }
    }

    /// <summary>The names that the lower directories show together.</summary>
    private List<byte[]> Below(IReadOnlyList<FileDescriptor> lowers, int most, byte[] path)
    {
        var names = new SortedSet<byte[]>(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
        foreach (var lower in lowers)
        {
            using var again = LayerDirectories.OpenIn(lower, ".\0"u8, _subordinate);
            names.UnionWith(SortedNames.Read(again, path, most));
        }

        return [.. names.Where(name => IsBelow(lowers, name))];
    }

    private bool IsBelow(IReadOnlyList<FileDescriptor> lowers, byte[] name)
    {
        foreach (var lower in lowers)
        {
            if (LayerDirectories.TryStat(lower, name, out var status, _subordinate))
            {
                return !LayerDirectories.IsWhiteout(status);
            }
        }

        return false;
    }

    private void Add(bool isOne, LayerChangeKind kind, byte[] path)
    {
        if (isOne)
        {
            _changes.Add(new LayerChange(kind, path));
            if (_changes.Count > _limits.Entries)
            {
                throw LayerLimits.Exceeded(nameof(LayerLimits.Entries), _limits.Entries);
            }
        }
    }
}
