using System.Text;

namespace Containers.Launch;

/// <summary>The mount API of Linux 5.2 as steps: a filesystem is configured, made and attached by descriptors.</summary>
internal static class MountCalls
{
    /// <summary>The longest text that fsconfig(2) takes as a value.</summary>
    public const int MaxValue = 255;

    /// <summary>mount(2) takes one page of options.</summary>
    private const int MaxData = 4096;

    /// <summary>Makes a detached mount of a new filesystem instance.</summary>
    public static Cell Make(ProgramBuilder program, string type, ulong attributes, params ReadOnlySpan<(string Key, string? Value)> options)
    {
        var context = program.NewCell();
        var mount = program.NewCell();
        program.Call(SystemCall.FsOpen, "open filesystem", type, program.Text(type), Linux.FsOpenCloseOnExec).Into(context);
        foreach (var (key, value) in options)
        {
            if (value is null)
            {
                program.Call(SystemCall.FsConfig, $"set {key} of", type, context, Linux.FsConfigSetFlag, program.Text(key), 0, 0);
            }
            else
            {
                program.Call(SystemCall.FsConfig, $"set {key}={value} of", type, context, Linux.FsConfigSetString, program.Text(key), program.Text(value), 0);
            }
        }

        program.Call(SystemCall.FsConfig, "create filesystem", type, context, Linux.FsConfigCreate, 0, 0, 0);
        program.Call(SystemCall.FsMount, "mount", type, context, Linux.FsMountCloseOnExec, attributes).Into(mount);
        return mount;
    }

    /// <summary>
    /// Makes a mount by mount(2), for options longer than fsconfig takes: at an empty directory of that name, which it makes in the
    /// current one.
    /// </summary>
    public static Cell MakeAt(ProgramBuilder program, string type, string directory, ulong attributes, params ReadOnlySpan<(string Key, string? Value)> options)
    {
        var name = program.Text(directory);
        var mount = program.NewCell();
        var data = new StringBuilder();
        foreach (var (key, value) in options)
        {
            data.Append(data.Length == 0 ? string.Empty : ",").Append(key);
            if (value is not null)
            {
                // Security modules read their own options here, and know quotes.
                data.Append('=').Append(value.Contains(',', StringComparison.Ordinal) ? $"\"{value}\"" : value);
            }
        }

        if (data.Length >= MaxData)
        {
            throw new ContainerException("mount", type, Interop.Errno.E2BIG, $"Its layers' names take {data.Length} bytes, and the kernel takes {MaxData}: the root has too many layers.");
        }

        program.Call(SystemCall.MakeDirectoryAt, "create", directory, Interop.Libc.AtFdCwd, name, RootPaths.Mode(0, 7, 0, 0));

        // MS_NOSUID and MS_NODEV have the numbers of the attributes.
        program.Call(SystemCall.Mount, "mount", type, program.Text(type), name, program.Text(type), attributes, program.Text(data.ToString()));
        program.Call(SystemCall.OpenAt, "open", directory, Interop.Libc.AtFdCwd, name, Interop.Libc.OpenPath | Interop.Libc.OpenDirectory | Interop.Libc.OpenCloseOnExec, 0).Into(mount);
        return mount;
    }

    /// <summary>Attaches a detached mount to an opened target.</summary>
    public static void Attach(ProgramBuilder program, Argument mount, Argument target, string what, string path) =>
        program.Call(SystemCall.MoveMount, what, path, mount, program.Text(string.Empty), target, program.Text(string.Empty),
            Linux.MoveMountFromEmptyPath | Linux.MoveMountToEmptyPath);

    /// <summary>Clones the mount at a path beneath a descriptor, as a detached one.</summary>
    public static StepReference Clone(ProgramBuilder program, Cell directory, string path, string what, string subject, out Cell tree, bool recursive = false)
    {
        tree = program.NewCell();
        return program.Call(SystemCall.OpenTree, what, subject, directory, program.Text(path),
            Linux.OpenTreeClone | Interop.Libc.OpenCloseOnExec | (path.Length == 0 ? Interop.Libc.AtEmptyPath : 0) | (recursive ? Interop.Libc.AtRecursive : 0))
            .Into(tree);
    }

    /// <summary>Clones the mount at a path of the host, as a detached one.</summary>
    public static StepReference Clone(ProgramBuilder program, string path, out Cell tree, bool recursive = false)
    {
        tree = program.NewCell();
        return program.Call(SystemCall.OpenTree, "open the host's", path, Interop.Libc.AtFdCwd, program.Text(path),
            Linux.OpenTreeClone | Interop.Libc.OpenCloseOnExec | (recursive ? Interop.Libc.AtRecursive : 0)).Into(tree);
    }

    /// <summary>Files keep their ids on disk and have those of the container's user namespace in it (an idmapped mount).</summary>
    public static Linux.MountAttributes Mapped(LaunchContext context) => new()
    {
        Set = Linux.MountIdMapped,
        UserNamespace = (ulong)context.DescriptorOf(context.Ids!.Lease.Descriptor!),
    };

    /// <summary>Changes the attributes of a mount, or of a whole tree.</summary>
    public static void SetAttributes(ProgramBuilder program, Argument mount, string what, string subject, in Linux.MountAttributes attributes, bool recursive) =>
        program.Call(SystemCall.MountSetAttributes, what, subject, mount, program.Text(string.Empty),
            Interop.Libc.AtEmptyPath | (recursive ? Interop.Libc.AtRecursive : 0), program.Structure(attributes), Linux.MountAttributes.Size);

    /// <summary>fsconfig takes commas as they are, but overlay itself splits lowerdir at colons and reads backslashes.</summary>
    public static string EscapeLower(string path) => Escape(path).Replace(":", "\\:", StringComparison.Ordinal);

    public static string Escape(string path) => path.Replace("\\", "\\\\", StringComparison.Ordinal);
}
