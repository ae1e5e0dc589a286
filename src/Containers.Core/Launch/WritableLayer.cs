using System.Globalization;
using Containers.Interop;
using Containers.Specification;
using Containers.Specification.Rules;

namespace Containers.Launch;

/// <summary>
/// Where a container's own files go: one tmpfs of limited size, inside the container's mount namespace. It is charged to the
/// container's memory limit, no container can fill the host's disk with it, and when the container dies it is gone.
/// </summary>
internal sealed class WritableLayer(LaunchContext context, HostSources sources, Cell scratch)
{
    private int _overlays;
    private int _lowers;
    private bool _isScratchAttached;

    /// <summary>The tmpfs, once there is one.</summary>
    public Cell? Mount { get; private set; }

    /// <summary>As the root itself.</summary>
    public Cell MakeTmpfs(ProgramBuilder program, string mode)
    {
        var limit = context.Spec.Disk ?? Default;
        var mount = MountCalls.Make(program, "tmpfs", Linux.MountNoDevices | Linux.MountNoSetUid, LabelSteps.OptionsOf(
            context.Spec.Security,
            ("mode", mode),
            ("size", limit.Size.Bytes.ToString(CultureInfo.InvariantCulture)),
            ("nr_inodes", (limit.Inodes ?? TmpfsLimits.DefaultInodes(limit.Size)).ToString(CultureInfo.InvariantCulture))));
        Mount ??= mount;
        return mount;
    }

    /// <summary>As the upper layer of an overlay over read-only directories, top first.</summary>
    public Cell MakeOverlay(ProgramBuilder program, IReadOnlyList<string> lower)
    {
        if (!_isScratchAttached)
        {
            // Overlay takes its upper layer by path: the engine's scratch directory gets the tmpfs, for this namespace alone.
            var tmpfs = MakeTmpfs(program, "700");
            MountCalls.Attach(program, tmpfs, scratch, "attach the writable layer to", context.ScratchDirectory);

            // Whoever is root only inside a user namespace cannot come here by the path, which is the host root's alone.
            program.Call(SystemCall.ChangeDirectoryFd, "enter", "the writable layer", tmpfs);
            _isScratchAttached = true;
        }

        var upper = string.Create(CultureInfo.InvariantCulture, $"upper{_overlays}");
        var work = string.Create(CultureInfo.InvariantCulture, $"work{_overlays}");
        _overlays++;
        program.Call(SystemCall.MakeDirectoryAt, "create", upper, Libc.AtFdCwd, program.Text(upper), RootPaths.Mode(0, 7, 5, 5));
        program.Call(SystemCall.MakeDirectoryAt, "create", work, Libc.AtFdCwd, program.Text(work), RootPaths.Mode(0, 7, 0, 0));
        var layers = LabelSteps.OptionsOf(
            context.Spec.Security,
            ("lowerdir", string.Join(':', lower.Select(path => MountCalls.EscapeLower(PathOf(program, path))))),
            ("upperdir", MountCalls.Escape(upper)),
            ("workdir", MountCalls.Escape(work)));

        // An overlay made inside a user namespace keeps its marks in user.* attributes; trusted.* needs the host's privilege.
        return MountCalls.Make(program, "overlay", Linux.MountNoDevices | Linux.MountNoSetUid,
            context.Rootless || context.Ids is not null ? [.. layers, ("userxattr", null)] : layers);
    }

    /// <summary>Shows a directory of the layer, one everybody may write, at a path of the container.</summary>
    public void AttachDirectory(ProgramBuilder program, RootPaths paths, string path)
    {
        const string Name = "shared";
        var target = paths.OpenDirectory(path);
        program.Call(SystemCall.MakeDirectoryAt, "create the writable directory for", path, Mount!.Value, program.Text(Name), RootPaths.Mode(1, 7, 7, 7));
        MountCalls.Clone(program, Mount.Value, Name, "clone the writable directory for", path, out var tree);
        paths.Attach(tree, target, "attach a writable directory to", path);
    }

    /// <summary>Where a lower layer is: a mount with the container's ids, put into the scratch directory, or the host's own path.</summary>
    private string PathOf(ProgramBuilder program, string lower)
    {
        if (sources.Tree(lower) is not { } tree)
        {
            return lower;
        }

        var path = string.Create(CultureInfo.InvariantCulture, $"lower{_lowers++}");
        program.Call(SystemCall.MakeDirectoryAt, "create", path, Libc.AtFdCwd, program.Text(path), RootPaths.Mode(0, 7, 0, 0));
        program.Call(SystemCall.MoveMount, $"attach {lower} to", path, tree, program.Text(string.Empty), Libc.AtFdCwd, program.Text(path), Linux.MoveMountFromEmptyPath);
        return path;
    }

    /// <summary>What a container may write where no disk limit was given.</summary>
    private static DiskLimit Default { get; } = new(new ByteSize(1L << 30), null);
}
