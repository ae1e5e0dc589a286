using Containers.Interop;
using Containers.Launch;

namespace Containers.RootFilesystems;

/// <summary>A prepared tree, the lower layer of an overlay; its files are never changed.</summary>
internal sealed record DirectoryRootFilesystem(string Path) : RootFilesystemSource
{
    public override RootPlan Plan()
    {
        if (!FileStatus.TryGet(Path, out var status))
        {
            throw new ContainerException("use as root", Path, ErrnoNames.Last, "Name an existing directory in ContainerBuilder.FromDirectory.");
        }

        return status.Kind == FileKind.Directory
            ? new OverlayRootPlan(Path, [])
            : throw new ContainerException("use as root", Path, Errno.ENOTDIR, "ContainerBuilder.FromDirectory takes a directory.");
    }

    /// <summary>
    /// Resolved inside the root and without waiting: /etc/passwd of an image may be a link to a file of the host, a fifo, a
    /// device or without an end.
    /// </summary>
    public override unsafe byte[] ReadFile(string path)
    {
        using var root = Libc.Open(Path, Libc.OpenPath | Libc.OpenDirectory | Libc.OpenCloseOnExec);
        if (root.IsInvalid)
        {
            throw new ContainerException("open the root", Path, ErrnoNames.Last);
        }

        var how = new Linux.OpenHow
        {
            Flags = Libc.OpenCloseOnExec | Libc.OpenNonBlocking | Libc.OpenNoControllingTerminal,
            Resolve = Linux.ResolveInRoot | Linux.ResolveNoMagicLinks,
        };
        using var file = Libc.OpenAt2(root, path.TrimStart('/'), &how);
        if (file.IsInvalid)
        {
            var errno = ErrnoNames.Last;
            return errno is Errno.ENOENT or Errno.ENOTDIR ? [] : throw new ContainerException("read in the root", path, errno);
        }

        return ReadRegular(file, path);
    }
}
