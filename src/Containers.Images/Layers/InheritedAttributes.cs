using Containers.Interop;

namespace Containers.Layers;

/// <summary>
/// Directories that a layer has only because something is in them look as they do in the layers below, as where layers are unpacked on
/// top of each other; else a layer with one file in /tmp would take away everybody's right to write there.
/// </summary>
internal static class InheritedAttributes
{
    /// <param name="layer">The unpacked layer.</param>
    /// <param name="directories">Paths of such directories in it.</param>
    /// <param name="below">The layers below, top first.</param>
    /// <param name="subordinate">Opens what is closed to the user; null where nothing is.</param>
    /// <param name="later">Notes the owners where they are given later; null: they are given here.</param>
    public static void Apply(
        string layer, IReadOnlyList<byte[]> directories, IReadOnlyList<string> below, SubordinateFiles? subordinate = null, LaterOwners? later = null)
    {
        var files = new LayeredFiles(below, subordinate);
        var own = new LayeredFiles([layer]);
        foreach (var path in directories)
        {
            byte[][] names = [.. LayeredFiles.Split(path)];
            using var model = files.Find(names);
            if (model is null || !FileStatus.TryGet(model, out var status) || status.Kind != FileKind.Directory)
            {
                continue;
            }

            using var found = own.Find(names) ?? throw new ContainerException("find the directory of the layer", layer, Errno.ENOENT);
            using var directory = LayeredFiles.Reopen(found, Libc.OpenReadOnly | Libc.OpenDirectory);

            if (later is not null)
            {
                later.Inherited([.. path, 0], status.UserId, status.GroupId);
            }

            // The files of an ordinary user with one id all have that, these too.
            if ((later is null && FileStatus.TryGet(directory, out var present) && (present.UserId, present.GroupId) != (status.UserId, status.GroupId)
                && Libc.ChangeOwner(directory, status.UserId, status.GroupId) != 0) || Libc.ChangeMode(directory, status.Mode) != 0)
            {
                throw new ContainerException("give the directory of a layer its owner and mode in", layer, ErrnoNames.Last);
            }

            if (!TrySetTimes(directory, status.Modified))
            {
                throw new ContainerException("give the directory of a layer its times in", layer, ErrnoNames.Last);
            }
        }
    }

    private static unsafe bool TrySetTimes(FileDescriptor directory, (long Seconds, long Nanoseconds) modified)
    {
        var times = stackalloc long[] { modified.Seconds, modified.Nanoseconds, modified.Seconds, modified.Nanoseconds };
        return Libc.SetTimes(directory, times) == 0;
    }
}
