using Containers.Cgroups;
using Containers.Interop;

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

    /// <summary>Builds it; returns the descriptor of the pts instance, which terminals are allocated from.</summary>
    public static Cell Build(ProgramBuilder program, LaunchContext context, RootPaths paths)
    {
        var target = paths.OpenDirectory("/dev");
        var dev = MountCalls.Make(program, "tmpfs", Linux.MountNoSetUid | Linux.MountNoExecute, ("mode", "755"), ("size", "64k"), ("nr_inodes", "256"));
        paths.Attach(dev, target, "attach tmpfs to", "/dev");
        foreach (var (name, major, minor) in Devices)
        {
            AddDevice(program, context, paths, dev, name, "/dev/" + name, major, minor);
        }

        foreach (var (name, linkTarget) in Links)
        {
            program.Call(SystemCall.SymlinkAt, $"link /dev/{name} to", linkTarget, program.Text(linkTarget), dev, program.Text(name));
        }

        var pts = context.Rootless
            ? MountCalls.Make(program, "devpts", Linux.MountNoSetUid | Linux.MountNoExecute, ("ptmxmode", "0666"), ("mode", "0620"))
            : MountCalls.Make(program, "devpts", Linux.MountNoSetUid | Linux.MountNoExecute, ("ptmxmode", "0666"), ("mode", "0620"), ("gid", "5"));
        AttachNew(program, paths, dev, pts, "pts", RootPaths.Mode(0, 7, 5, 5));
        var shm = MountCalls.Make(program, "tmpfs", Linux.MountNoSetUid | Linux.MountNoDevices | Linux.MountNoExecute,
            ("mode", "1777"), ("size", "64m"), ("nr_inodes", "16384"));
        AttachNew(program, paths, dev, shm, "shm", RootPaths.Mode(1, 7, 7, 7));
        if (context.Spec.Namespaces.Ipc.Mode == NamespaceMode.Private)
        {
            var queues = MountCalls.Make(program, "mqueue", Linux.MountNoSetUid | Linux.MountNoDevices | Linux.MountNoExecute);
            AttachNew(program, paths, dev, queues, "mqueue", RootPaths.Mode(0, 7, 5, 5));
        }

        foreach (var device in context.Spec.Devices)
        {
            var number = DeviceNumber.OfFile(device.HostPath, out var isBlock);
            var relative = device.ContainerPath.StartsWith("/dev/", StringComparison.Ordinal) ? device.ContainerPath["/dev/".Length..] : null;
            if (relative is null || relative.Contains('/', StringComparison.Ordinal))
            {
                throw new ContainerException("add the device", device.ContainerPath, Errno.EINVAL, "A device's path in the container is /dev/NAME.");
            }

            AddDevice(program, context, paths, dev, relative, device.HostPath, number.Major, number.Minor, isBlock);
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

    private static void AddDevice(
        ProgramBuilder program, LaunchContext context, RootPaths paths, Cell dev, string name, string hostPath, uint major, uint minor, bool block = false)
    {
        if (!context.Rootless)
        {
            program.Call(SystemCall.MakeNodeAt, "make device", "/dev/" + name, dev, program.Text(name),
                (block ? Linux.ModeBlockDevice : Linux.ModeCharacterDevice) | RootPaths.Mode(0, 6, 6, 6), (long)((minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12)));
            return;
        }

        // No device can be made inside a user namespace: the host's is bound, read-only, which leaves reading and writing
        // the device alone but keeps its mode, owner and times as they are.
        var target = program.NewCell();
        program.Call(SystemCall.MakeNodeAt, "create file", "/dev/" + name, dev, program.Text(name), Linux.ModeRegular | RootPaths.Mode(0, 6, 6, 6), 0);
        program.Call(SystemCall.OpenAt, "open mount target", "/dev/" + name, dev, program.Text(name), Libc.OpenPath | Libc.OpenNoFollow | Libc.OpenCloseOnExec, 0)
            .Into(target);
        var tree = program.NewCell();
        program.Call(SystemCall.OpenTree, "open the host's", hostPath, Libc.AtFdCwd, program.Text(hostPath), Linux.OpenTreeClone | Libc.OpenCloseOnExec).Into(tree);
        MountCalls.SetAttributes(program, tree, "make read-only", hostPath,
            new Linux.MountAttributes { Set = Linux.MountReadOnly | Linux.MountNoSetUid | Linux.MountNoExecute }, recursive: false);
        paths.Attach(tree, target, "bind", "/dev/" + name);
    }
}
