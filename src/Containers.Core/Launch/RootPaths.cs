using Containers.Interop;

namespace Containers.Launch;

/// <summary>
/// Resolves paths of a container for a program. Nothing here gives a path string to a call that follows links with the
/// host's authority: every target is an O_PATH descriptor from openat2 that cannot leave the root, whatever links the image
/// holds (CVE-2021-30465, CVE-2024-45310 and the rest of that family).
/// </summary>
internal sealed class RootPaths(ProgramBuilder program, Cell root)
{
    private readonly Argument _openPath = program.Structure(new Linux.OpenHow
    {
        Flags = Libc.OpenPath | Libc.OpenCloseOnExec,
        Resolve = Linux.ResolveInRoot | Linux.ResolveNoMagicLinks,
    });

    public Cell Root => root;

    /// <summary>Opens an existing path of the container.</summary>
    public StepReference Open(string path, string what, out Cell fd)
    {
        fd = program.NewCell();
        return program.Call(SystemCall.OpenAt2, what, path, root, program.Text(Relative(path)), _openPath, Linux.OpenHow.Size)
            .Into(fd).Retrying();
    }

    /// <summary>Opens a directory of the container, creating what is missing of it.</summary>
    public Cell OpenDirectory(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var directory = root;
        var walked = string.Empty;
        foreach (var part in parts)
        {
            walked += "/" + part;
            program.Call(SystemCall.MakeDirectoryAt, "create directory", walked, directory, program.Text(part), Mode(0, 7, 5, 5))
                .Ignoring(Errno.EEXIST, Errno.EROFS);
            Open(walked, "open mount target", out directory);
        }

        return directory;
    }

    /// <summary>Opens a file of the container, creating an empty one, and its directories, where there is none.</summary>
    public Cell OpenFile(string path)
    {
        var slash = path.LastIndexOf('/');
        var parent = OpenDirectory(path[..slash]);
        program.Call(SystemCall.MakeNodeAt, "create file", path, parent, program.Text(path[(slash + 1)..]), Linux.ModeRegular | Mode(0, 6, 4, 4), 0)
            .Ignoring(Errno.EEXIST, Errno.EROFS);
        Open(path, "open mount target", out var fd);
        return fd;
    }

    /// <summary>Attaches a detached mount to an opened target.</summary>
    public void Attach(Argument mount, Cell target, string what, string path) =>
        MountCalls.Attach(program, mount, target, what, path);

    public Argument Empty { get; } = program.Text(string.Empty);

    public static long Mode(int special, int user, int group, int other) => (special << 9) | (user << 6) | (group << 3) | other;

    private static string Relative(string path)
    {
        var relative = path.TrimStart('/');
        return relative.Length == 0 ? "." : relative;
    }
}
