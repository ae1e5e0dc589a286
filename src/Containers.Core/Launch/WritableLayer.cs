using System.Collections.Immutable;
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
    /// <summary>The directory of the layer that holds what the container wrote to its root.</summary>
    public const string RootUpper = "upper0";

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

    /// <summary>As the upper layer of an overlay over read-only directories.</summary>
    public Cell MakeOverlay(ProgramBuilder program, OverlayRootPlan lower)
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

        var upper = _overlays == 0 ? RootUpper : string.Create(CultureInfo.InvariantCulture, $"upper{_overlays}");
        var work = string.Create(CultureInfo.InvariantCulture, $"work{_overlays}");
        _overlays++;
        program.Call(SystemCall.MakeDirectoryAt, "create", upper, Libc.AtFdCwd, program.Text(upper), RootPaths.Mode(0, 7, 5, 5));
        program.Call(SystemCall.MakeDirectoryAt, "create", work, Libc.AtFdCwd, program.Text(work), RootPaths.Mode(0, 7, 0, 0));
        var source = PathOf(program, lower);
        var layers = LabelSteps.OptionsOf(
            context.Spec.Security,
            ("lowerdir", lower.Layers.IsEmpty ? MountCalls.EscapeLower(source) : NamesOf(program, source, lower.Layers)),
            ("upperdir", upper),
            ("workdir", work));

        // An overlay made inside a user namespace keeps its marks in user.* attributes; trusted.* needs the host's privilege.
        (string, string?)[] options = context.Rootless || context.Ids is not null ? [.. layers, ("userxattr", null)] : [.. layers];
        return layers[0].Value!.Length <= MountCalls.MaxValue
            ? MountCalls.Make(program, "overlay", Linux.MountNoDevices | Linux.MountNoSetUid, options)
            : MountCalls.MakeAt(program, "overlay", string.Create(CultureInfo.InvariantCulture, $"merged{_overlays}"), Linux.MountNoDevices | Linux.MountNoSetUid, options);
    }

    /// <summary>All layers as one option, through links with short names where it would be too long.</summary>
    private static string NamesOf(ProgramBuilder program, string source, ImmutableArray<string> layers)
    {
        var names = string.Join(':', layers.Select(layer => $"{source}/{layer}"));
        if (names.Length <= MountCalls.MaxValue)
        {
            return names;
        }

        for (var i = 0; i < layers.Length; i++)
        {
            program.Call(SystemCall.SymlinkAt, "link to the layer", layers[i], program.Text($"{source}/{layers[i]}"), Libc.AtFdCwd, program.Text(ShortName(i)));
        }

        return string.Join(':', Enumerable.Range(0, layers.Length).Select(ShortName));

        static string ShortName(int layer) => layer.ToString("x", CultureInfo.InvariantCulture);
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

    /// <summary>
    /// Where the lower layers are: a mount put into the scratch directory, with the container's ids where it has its own, or the host's
    /// own path. Of many layers only names below the mount are used.
    /// </summary>
    private string PathOf(ProgramBuilder program, OverlayRootPlan lower)
    {
        if (sources.Tree(lower.Source) is not { } tree)
        {
            if (lower.Layers.IsEmpty && lower.Source.Length <= MountCalls.MaxValue / 2)
            {
                return lower.Source;
            }

            MountCalls.Clone(program, lower.Source, out tree);
        }

        var path = string.Create(CultureInfo.InvariantCulture, $"l{_lowers++}");
        program.Call(SystemCall.MakeDirectoryAt, "create", path, Libc.AtFdCwd, program.Text(path), RootPaths.Mode(0, 7, 0, 0));
        program.Call(SystemCall.MoveMount, $"attach {lower.Source} to", path, tree, program.Text(string.Empty), Libc.AtFdCwd, program.Text(path), Linux.MoveMountFromEmptyPath);
        return path;
    }

    /// <summary>What a container may write where no disk limit was given.</summary>
    private static DiskLimit Default { get; } = new(new ByteSize(1L << 30), null);
}
