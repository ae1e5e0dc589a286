namespace Containers.Launch;

/// <summary>The mount API of Linux 5.2 as steps: a filesystem is configured, made and attached by descriptors.</summary>
internal static class MountCalls
{
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
