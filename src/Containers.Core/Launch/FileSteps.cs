using Containers.Interop;

namespace Containers.Launch;

/// <summary>Files put into the container's own writable layer.</summary>
internal static class FileSteps
{
    /// <summary>
    /// Writes a new file. What stands at the path is unlinked, never followed: a link there in the image leads nowhere, and
    /// O_EXCL with O_NOFOLLOW makes sure that what is written is what was made.
    /// </summary>
    public static void Write(ProgramBuilder program, RootPaths paths, string path, ReadOnlySpan<byte> content, UnixFileMode mode, uint owner, uint group)
    {
        var slash = path.LastIndexOf('/');
        var parent = paths.OpenDirectory(path[..slash]);
        var name = program.Text(path[(slash + 1)..]);
        var fd = program.NewCell();
        program.Call(SystemCall.UnlinkAt, "replace", path, parent, name, 0).Ignoring(Errno.ENOENT);
        program.Call(SystemCall.OpenAt, "create", path, parent, name,
            Libc.OpenWriteOnly | Libc.OpenCreate | Libc.OpenExclusive | Libc.OpenNoFollow | Libc.OpenCloseOnExec, (long)mode).Into(fd);
        if (!content.IsEmpty)
        {
            var written = program.NewCell();
            program.Call(SystemCall.Write, "write", path, fd, program.Bytes(content), content.Length).Into(written);
            program.Add(StepOperation.Assert, "write all of", path, (long)written.Address, -1L, content.Length, (long)Errno.ENOSPC);
        }

        if (owner != 0 || group != 0)
        {
            program.Call(SystemCall.ChangeOwnerFd, "change the owner of", path, fd, owner, group);
        }

        // After the owner, whose change clears set-id bits.
        program.Call(SystemCall.ChangeModeFd, "change the mode of", path, fd, (long)mode);
        program.Call(SystemCall.Close, "close", path, fd);
    }
}
