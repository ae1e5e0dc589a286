using System.Globalization;
using Containers.Interop;
using Containers.Specification;
using Containers.Specification.Rules;

namespace Containers.Launch;

/// <summary>
/// Where a container's own files go: one tmpfs of limited size, inside the container's mount namespace. It is charged to the
/// container's memory limit, no container can fill the host's disk with it, and when the container dies it is gone.
/// </summary>
internal sealed class WritableLayer(LaunchContext context)
{
    private int _overlays;
    private bool _isScratchAttached;

    /// <summary>The tmpfs, once there is one.</summary>
    public Cell? Mount { get; private set; }

    /// <summary>As the root itself.</summary>
    public Cell MakeTmpfs(ProgramBuilder program, string mode)
    {
        var limit = context.Spec.Disk ?? Default;
        var mount = MountCalls.Make(program, "tmpfs", Linux.MountNoDevices | Linux.MountNoSetUid,
            ("mode", (string?)mode),
            ("size", limit.Size.Bytes.ToString(CultureInfo.InvariantCulture)),
            ("nr_inodes", (limit.Inodes ?? TmpfsLimits.DefaultInodes(limit.Size)).ToString(CultureInfo.InvariantCulture)));
        Mount ??= mount;
        return mount;
    }

    /// <summary>As the upper layer of an overlay over read-only directories, top first.</summary>
    public Cell MakeOverlay(ProgramBuilder program, IEnumerable<string> lower)
    {
        if (!_isScratchAttached)
        {
            // Overlay takes its upper layer by path: the engine's scratch directory gets the tmpfs, for this namespace alone.
            var tmpfs = MakeTmpfs(program, "700");
            program.Call(SystemCall.MoveMount, "attach the writable layer to", context.ScratchDirectory, tmpfs, program.Text(string.Empty),
                Libc.AtFdCwd, program.Text(context.ScratchDirectory), Linux.MoveMountFromEmptyPath);
            _isScratchAttached = true;
        }

        var upper = string.Create(CultureInfo.InvariantCulture, $"{context.ScratchDirectory}/upper{_overlays}");
        var work = string.Create(CultureInfo.InvariantCulture, $"{context.ScratchDirectory}/work{_overlays}");
        _overlays++;
        program.Call(SystemCall.MakeDirectoryAt, "create", upper, Libc.AtFdCwd, program.Text(upper), RootPaths.Mode(0, 7, 5, 5));
        program.Call(SystemCall.MakeDirectoryAt, "create", work, Libc.AtFdCwd, program.Text(work), RootPaths.Mode(0, 7, 0, 0));
        (string, string?)[] layers =
        [
            ("lowerdir", string.Join(':', lower.Select(MountCalls.EscapeLower))),
            ("upperdir", MountCalls.Escape(upper)),
            ("workdir", MountCalls.Escape(work)),
        ];

        // An overlay made inside a user namespace keeps its marks in user.* attributes; trusted.* needs the host's privilege.
        return MountCalls.Make(program, "overlay", Linux.MountNoDevices | Linux.MountNoSetUid,
            context.Rootless ? [.. layers, ("userxattr", null)] : layers);
    }

    /// <summary>What a container may write where no disk limit was given.</summary>
    private static DiskLimit Default { get; } = new(new ByteSize(1L << 30), null);
}
