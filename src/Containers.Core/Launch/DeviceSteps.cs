using System.Globalization;
using Containers.Cgroups;
using Containers.Interop;
using Containers.Specification;

namespace Containers.Launch;

/// <summary>/dev, from nothing: a tmpfs with the six devices every program expects, its own pts, shm and mqueue.</summary>
internal static class DeviceSteps
{
    /// <summary>Major and minor numbers from the kernel's Documentation/admin-guide/devices.txt.</summary>
    private static readonly (string Name, uint Major, uint Minor)[] Devices =
    [
        ("null", 1, 3),
        ("zero", 1, 5),
        ("full", 1, 7),
        ("random", 1, 8),
        ("urandom", 1, 9),
        ("tty", 5, 0),
    ];

    private static readonly (string Name, string Target)[] Links =
    [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("core", "/proc/kcore"),
        ("ptmx", "pts/ptmx"),
    ];

    /// <summary>The tmpfs with its devices, not attached yet: made with the host's rights where the container is in a user namespace.</summary>
    public static Cell Make(ProgramBuilder program, LaunchContext context)
    {
        // Made with the host's rights, for the root of a user namespace.
        var owner = context.Ids?.Lease.Range.First ?? 0;
        var id = owner.ToString(CultureInfo.InvariantCulture);
        var options = LabelSteps.OptionsOf(context.Spec.Security, ("mode", "755"), ("size", "64k"), ("nr_inodes", "256"));
        var dev = MountCalls.Make(program, "tmpfs", Linux.MountNoSetUid | Linux.MountNoExecute, owner == 0 ? options : [.. options, ("uid", id), ("gid", id)]);
        if (!context.Rootless)
        {
            foreach (var (name, major, minor) in Devices)
            {
                MakeNode(program, dev, owner, name, major, minor, Linux.ModeCharacterDevice);
            }

            foreach (var device in context.Spec.Devices)
            {
                var number = DeviceNumber.OfFile(device.HostPath, out var isBlock);
                MakeNode(program, dev, owner, NameOf(device), number.Major, number.Minor, isBlock ? Linux.ModeBlockDevice : Linux.ModeCharacterDevice);
            }
        }

        return dev;
    }

    /// <summary>Builds it; returns the descriptor of the pts instance, which terminals are allocated from.</summary>
    public static Cell Build(ProgramBuilder program, LaunchContext context, HostSources sources, RootPaths paths)
    {
        var target = paths.OpenDirectory("/dev");
        var dev = sources.Devices ?? Make(program, context);
        paths.Attach(dev, target, "attach tmpfs to", "/dev");
        if (context.Rootless)
        {
            foreach (var (name, _, _) in Devices)
            {
                BindDevice(program, paths, dev, name, "/dev/" + name);
            }

            foreach (var device in context.Spec.Devices)
            {
                BindDevice(program, paths, dev, NameOf(device), device.HostPath);
            }
        }

        foreach (var (name, linkTarget) in Links)
        {
            program.Call(SystemCall.SymlinkAt, $"link /dev/{name} to", linkTarget, program.Text(linkTarget), dev, program.Text(name));
        }

        // Of the terminals that all containers of a machine have together (kernel.pty.max), one may not take all.
        var pts = context.Rootless
            ? MountCalls.Make(program, "devpts", Linux.MountNoSetUid | Linux.MountNoExecute, ("ptmxmode", "0666"), ("mode", "0620"), ("max", "512"))
            : MountCalls.Make(program, "devpts", Linux.MountNoSetUid | Linux.MountNoExecute, ("ptmxmode", "0666"), ("mode", "0620"), ("max", "512"), ("gid", "5"));
        AttachNew(program, paths, dev, pts, "pts", RootPaths.Mode(0, 7, 5, 5));
        var shm = MountCalls.Make(program, "tmpfs", Linux.MountNoSetUid | Linux.MountNoDevices | Linux.MountNoExecute,
            LabelSteps.OptionsOf(context.Spec.Security, ("mode", "1777"), ("size", "64m"), ("nr_inodes", "16384")));
        AttachNew(program, paths, dev, shm, "shm", RootPaths.Mode(1, 7, 7, 7));
        if (context.Spec.Namespaces.Ipc.Mode == NamespaceMode.Private)
        {
            var queues = MountCalls.Make(program, "mqueue", Linux.MountNoSetUid | Linux.MountNoDevices | Linux.MountNoExecute);
            AttachNew(program, paths, dev, queues, "mqueue", RootPaths.Mode(0, 7, 5, 5));
        }

        return pts;
    }

    private static void AttachNew(ProgramBuilder program, RootPaths paths, Cell dev, Cell mount, string name, long mode)
    {
        var target = program.NewCell();
        program.Call(SystemCall.MakeDirectoryAt, "create directory", "/dev/" + name, dev, program.Text(name), mode);
        program.Call(SystemCall.OpenAt, "open mount target", "/dev/" + name, dev, program.Text(name),
            Libc.OpenPath | Libc.OpenNoFollow | Libc.OpenCloseOnExec, 0).Into(target);
        paths.Attach(mount, target, "attach", "/dev/" + name);
    }

    private static string NameOf(DeviceNode device)
    {
        var name = device.ContainerPath.StartsWith("/dev/", StringComparison.Ordinal) ? device.ContainerPath["/dev/".Length..] : string.Empty;
        return name.Length > 0 && !name.Contains('/', StringComparison.Ordinal)
            ? name
            : throw new ContainerException("add the device", device.ContainerPath, Errno.EINVAL, "A device's path in the container is /dev/NAME.");
    }

    private static void MakeNode(ProgramBuilder program, Cell dev, uint owner, string name, uint major, uint minor, uint kind)
    {
        var path = program.Text(name);
        program.Call(SystemCall.MakeNodeAt, "make device", "/dev/" + name, dev, path, kind | RootPaths.Mode(0, 6, 6, 6),
            (long)((minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12)));
        if (owner != 0)
        {
            program.Call(SystemCall.ChangeOwnerAt, "change the owner of", "/dev/" + name, dev, path, owner, owner, 0);
        }
    }

    /// <summary>
    /// An ordinary user cannot make devices: the host's is bound, read-only, which leaves reading and writing the device alone but
    /// keeps its mode, owner and times as they are.
    /// </summary>
    private static void BindDevice(ProgramBuilder program, RootPaths paths, Cell dev, string name, string hostPath)
    {
        var target = program.NewCell();
        program.Call(SystemCall.MakeNodeAt, "create file", "/dev/" + name, dev, program.Text(name), Linux.ModeRegular | RootPaths.Mode(0, 6, 6, 6), 0);
        program.Call(SystemCall.OpenAt, "open mount target", "/dev/" + name, dev, program.Text(name), Libc.OpenPath | Libc.OpenNoFollow | Libc.OpenCloseOnExec, 0)
            .Into(target);
        MountCalls.Clone(program, hostPath, out var tree);
        MountCalls.SetAttributes(program, tree, "make read-only", hostPath,
            new Linux.MountAttributes { Set = Linux.MountReadOnly | Linux.MountNoSetUid | Linux.MountNoExecute }, recursive: false);
        paths.Attach(tree, target, "bind", "/dev/" + name);
    }
}
