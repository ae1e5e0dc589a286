using System.Text;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>The root filesystem: made detached, attached over the present root, and later pivoted into.</summary>
internal static class RootSteps
{
    /// <summary>
    /// Nothing mounted from here on may reach the host's mount table, and nothing of the host's may come in: every mount
    /// of this namespace becomes private first of all.
    /// </summary>
    public static void MakePrivate(ProgramBuilder program) =>
        program.Call(SystemCall.MountSetAttributes, "make every mount private below", "/", Libc.AtFdCwd, program.Text("/"), Libc.AtRecursive,
            program.Structure(new Linux.MountAttributes { Propagation = Linux.MountPrivate }), Linux.MountAttributes.Size);

    /// <summary>The engine's mount point for what only this container's namespace sees; the host root's, so before its rights are given up.</summary>
    public static Cell OpenScratch(ProgramBuilder program, LaunchContext context)
    {
        var scratch = program.NewCell();
        program.Call(SystemCall.OpenAt, "open", context.ScratchDirectory, Libc.AtFdCwd, program.Text(context.ScratchDirectory),
            Libc.OpenPath | Libc.OpenDirectory | Libc.OpenCloseOnExec, 0).Into(scratch);
        return scratch;
    }

    /// <summary>The root that this process has, of a container it has joined.</summary>
    public static RootPaths OpenPresent(ProgramBuilder program)
    {
        var root = program.NewCell();
        program.Call(SystemCall.OpenAt, "open the root of", "the container", Libc.AtFdCwd, program.Text("/"), Libc.OpenPath | Libc.OpenDirectory | Libc.OpenCloseOnExec, 0)
            .Into(root);
        return new RootPaths(program, root);
    }

    /// <summary>Builds the root and attaches it on top of the present one, where nothing resolves to it but its descriptor.</summary>
    public static RootPaths Build(ProgramBuilder program, LaunchContext context, HostSources sources, WritableLayer layer)
    {
        var root = context.Root switch
        {
            OverlayRootPlan overlay => layer.MakeOverlay(program, overlay),
            HostRootPlan => layer.MakeTmpfs(program, "755"),
            _ => throw new NotSupportedException($"There is no way to build a {context.Root.GetType().Name}."),
        };
        var paths = new RootPaths(program, root);
        program.Call(SystemCall.MoveMount, "attach the new root over", "/", root, paths.Empty, Libc.AtFdCwd, program.Text("/"),
            Linux.MoveMountFromEmptyPath);
        if (context.Root is HostRootPlan host)
        {
            FillFromHost(program, context, sources, paths, host);
        }

        return paths;
    }

    /// <summary>A part of the host that nobody inside can write.</summary>
    public static Cell OpenBind(ProgramBuilder program, LaunchContext context, HostBind bind)
    {
        MountCalls.Clone(program, bind.Path, out var tree, recursive: true);
        var mapped = context.Ids is { } ids && !ids.Unmapped.Contains(bind.Path) ? MountCalls.Mapped(context) : default;
        mapped.Set |= Linux.MountReadOnly | Linux.MountNoSetUid | Linux.MountNoDevices;
        mapped.Propagation = Linux.MountPrivate;
        MountCalls.SetAttributes(program, tree, "make read-only", bind.Path, mapped, recursive: true);
        return tree;
    }

    /// <summary>
    /// Enters the root and lets go of everything else. pivot_root(".", ".") stacks the old root on the new one, from where it is
    /// unmounted: no directory for it is needed, and no path leads back.
    /// </summary>
    public static void Enter(ProgramBuilder program, RootPaths paths, bool move)
    {
        var dot = program.Text(".");
        program.Call(SystemCall.ChangeDirectoryFd, "enter the new root", null, paths.Root);
        var fallback = new Jump();
        var entered = new Jump();
        var pivot = program.Call(SystemCall.PivotRoot, "pivot into the new root", null, dot, dot);
        if (move)
        {
            pivot.Ignoring(Errno.EINVAL).OrJumpTo(fallback);
        }

        program.Call(SystemCall.Unmount, "unmount the host's root", null, dot, Linux.UnmountDetach);
        if (move)
        {
            // An initramfs cannot be pivoted from: the new root, attached over it, becomes the root of this process.
            program.JumpIfZero(program.NewCell(), entered);
            program.Land(fallback);
            program.Call(SystemCall.ChangeRoot, "change root to", ".", dot);
            program.Land(entered);
        }

        program.Call(SystemCall.ChangeDirectory, "change directory to", "/", program.Text("/"));
    }

    /// <summary>Of a root that the security profile makes read-only, /tmp stays writable, within the same limit.</summary>
    public static void KeepTemporaryDirectory(ProgramBuilder program, LaunchContext context, RootPaths paths, WritableLayer layer)
    {
        if (context.Spec.Security.ReadOnlyRoot && !context.Spec.Mounts.Any(static mount => mount.Target == TemporaryDirectory))
        {
            layer.AttachDirectory(program, paths, TemporaryDirectory);
        }
    }

    /// <summary>Nothing of the root can be written from here on, but what is mounted on it.</summary>
    public static void MakeReadOnly(ProgramBuilder program, RootPaths paths) =>
        MountCalls.SetAttributes(program, paths.Root, "make read-only", "/", new Linux.MountAttributes { Set = Linux.MountReadOnly }, recursive: false);

    private const string TemporaryDirectory = "/tmp";

    private static void FillFromHost(ProgramBuilder program, LaunchContext context, HostSources sources, RootPaths paths, HostRootPlan plan)
    {
        foreach (var directory in (ReadOnlySpan<string>)["proc", "sys", "dev", "etc", "tmp", "run", "var", "root", "home"])
        {
            program.Call(SystemCall.MakeDirectoryAt, "create directory", directory, paths.Root, program.Text(directory),
                directory == "tmp" ? RootPaths.Mode(1, 7, 7, 7) : directory == "root" ? RootPaths.Mode(0, 7, 0, 0) : RootPaths.Mode(0, 7, 5, 5));
        }

        foreach (var (path, target) in plan.Links)
        {
            program.Call(SystemCall.SymlinkAt, $"link {path} to", target, program.Text(target), paths.Root, program.Text(path.TrimStart('/')));
        }

        foreach (var bind in plan.Binds)
        {
            var target = bind.IsDirectory ? paths.OpenDirectory(bind.Path) : paths.OpenFile(bind.Path);
            paths.Attach(sources.Tree(bind.Path) ?? OpenBind(program, context, bind), target, "bind", bind.Path);
        }

        foreach (var (path, content) in plan.Files)
        {
            FileSteps.Write(program, paths, path, Encoding.UTF8.GetBytes(content), (UnixFileMode)0x1A4, 0, 0);
        }
    }
}
