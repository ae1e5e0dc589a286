using System.Globalization;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>The mounts a caller asked for.</summary>
internal static class MountSteps
{
    public static void Attach(ProgramBuilder program, LaunchContext context, RootPaths paths, WritableLayer layer, PreparedMount prepared)
    {
        var mount = prepared.Mount;
        Argument tree = mount.Kind switch
        {
            MountKind.Tmpfs => MountCalls.Make(program, "tmpfs", Linux.MountNoSetUid | Linux.MountNoDevices,
                ("mode", Convert.ToString((int)mount.Mode, 8)),
                ("size", mount.Size!.Value.Bytes.ToString(CultureInfo.InvariantCulture)),
                ("nr_inodes", mount.Inodes!.Value.ToString(CultureInfo.InvariantCulture))),
            MountKind.Overlay => layer.MakeOverlay(program, new OverlayRootPlan(mount.Source!, [])),
            _ => BindTree(program, context, prepared),
        };
        var target = prepared.IsDirectory ? paths.OpenDirectory(mount.Target) : paths.OpenFile(mount.Target);
        if (mount.ReadOnly && mount.Kind != MountKind.Bind)
        {
            MountCalls.SetAttributes(program, tree, "make read-only", mount.Target, new Linux.MountAttributes { Set = Linux.MountReadOnly }, recursive: true);
        }

        paths.Attach(tree, target, $"attach {mount.Source ?? "tmpfs"} to", mount.Target);
    }

    /// <summary>
    /// The root's own volumes: each directory once more on top of itself, with what the root has there, so that it can be written
    /// where the root cannot.
    /// </summary>
    public static void AttachVolumes(ProgramBuilder program, LaunchContext context, RootPaths paths)
    {
        foreach (var path in context.Spec.Volumes)
        {
            if (!context.Spec.Mounts.Any(mount => mount.Target == path))
            {
                var target = paths.OpenDirectory(path);
                MountCalls.Clone(program, target, string.Empty, "clone the volume", path, out var tree);
                paths.Attach(tree, target, "attach the volume to", path);
            }
        }
    }

    private static Argument BindTree(ProgramBuilder program, LaunchContext context, PreparedMount prepared)
    {
        if (prepared.Tree is { } opened)
        {
            // Cloned by the host from the descriptor it checked: nothing is resolved a second time.
            return context.DescriptorOf(opened);
        }

        var source = prepared.Mount.Source!;
        MountCalls.Clone(program, source, out var tree, recursive: true);
        MountCalls.SetAttributes(program, tree, "set the attributes of", source, Attributes(prepared.Mount), recursive: true);
        return tree;
    }

    /// <summary>
    /// Recursively: a writable mount below a read-only bind would be writable still (mount_setattr(2), AT_RECURSIVE), and no volume
    /// brings set-user-id programs or devices in.
    /// </summary>
    public static Linux.MountAttributes Attributes(Mount mount) => new()
    {
        Set = Linux.MountNoSetUid | Linux.MountNoDevices | (mount.ReadOnly ? Linux.MountReadOnly : 0),
        Propagation = mount.Propagation switch
        {
            MountPropagation.Slave => Linux.MountSlave,
            MountPropagation.Shared => Linux.MountShared,
            _ => Linux.MountPrivate,
        },
    };
}
