using System.Collections.Immutable;
using Containers.Interop;
using Containers.UserNamespaces;

namespace Containers.Launch;

/// <summary>Opens the sources of mounts, once, so that what is checked is what is mounted.</summary>
internal static class MountPreparation
{
    public static ImmutableArray<PreparedMount> Prepare(ImmutableArray<Mount> mounts, bool rootless, ContainerIds? ids)
    {
        if (mounts.IsEmpty)
        {
            return [];
        }

        var prepared = ImmutableArray.CreateBuilder<PreparedMount>(mounts.Length);
        try
        {
            foreach (var mount in mounts)
            {
                prepared.Add(Prepare(mount, rootless, ids));
            }
        }
        catch
        {
            foreach (var mount in prepared)
            {
                mount.Tree?.Dispose();
            }

            throw;
        }

        return prepared.MoveToImmutable();
    }

    private static unsafe PreparedMount Prepare(Mount mount, bool rootless, ContainerIds? ids)
    {
        if (mount.Kind == MountKind.Tmpfs)
        {
            return new PreparedMount(mount, null, IsDirectory: true);
        }

        var source = mount.Source!;
        using var opened = Libc.Open(source, Libc.OpenPath | Libc.OpenCloseOnExec);
        if (opened.IsInvalid || !FileStatus.TryGet(opened, out var status))
        {
            throw new ContainerException("open the mount source", source, ErrnoNames.Last, "It must exist on the host and be accessible to this process.");
        }

        var isDirectory = status.Kind == FileKind.Directory;
        if (mount.Kind == MountKind.Overlay)
        {
            return isDirectory
                ? new PreparedMount(mount, null, IsDirectory: true)
                : throw new ContainerException("use as the lower layer of an overlay", source, Errno.ENOTDIR, "Name a directory.");
        }

        if (rootless)
        {
            // Cloning a mount needs privilege over its namespace: the program does it in its own, by path.
            return new PreparedMount(mount, null, isDirectory);
        }

        var tree = Libc.OpenTree(opened, string.Empty, Linux.OpenTreeClone | Libc.OpenCloseOnExec | Libc.AtEmptyPath | Libc.AtRecursive);
        var attributes = MountSteps.Attributes(mount);
        if (ids is not null)
        {
            attributes.Set |= Linux.MountIdMapped;
            attributes.UserNamespace = (ulong)ids.Lease.Descriptor!.Number;
        }

        if (tree.IsInvalid || Libc.SetMountAttributes(tree, Libc.AtEmptyPath | Libc.AtRecursive, &attributes) != 0)
        {
            var errno = ErrnoNames.Last;
            tree.Dispose();
            throw new ContainerException("clone the mount at", source, errno);
        }

        return new PreparedMount(mount, tree, isDirectory);
    }
}
