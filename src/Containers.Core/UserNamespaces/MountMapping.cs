using System.Collections.Concurrent;
using Containers.Interop;
using Containers.Launch;

namespace Containers.UserNamespaces;

/// <summary>Whether files at a path can be seen with a container's ids: idmapped mounts, which each kind of file system has to support.</summary>
internal sealed class MountMapping
{
    /// <summary>By device: one answer for one file system.</summary>
    private readonly ConcurrentDictionary<ulong, Errno> _known = new();

    /// <summary>The error with which the kernel refuses; none where it can.</summary>
    public unsafe Errno Try(FileDescriptor path, ulong device, FileDescriptor userNamespace) => _known.GetOrAdd(
        device,
        static (_, arguments) =>
        {
            using var tree = Libc.OpenTree(arguments.path, string.Empty, Linux.OpenTreeClone | Libc.OpenCloseOnExec | Libc.AtEmptyPath);
            if (tree.IsInvalid)
            {
                return ErrnoNames.Last;
            }

            var attributes = new Linux.MountAttributes { Set = Linux.MountIdMapped, UserNamespace = (ulong)arguments.userNamespace.Number };
            return Libc.SetMountAttributes(tree, Libc.AtEmptyPath, &attributes) == 0 ? Errno.None : ErrnoNames.Last;
        },
        (path, userNamespace));
}
