using System.Text;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>/proc and /sys: mounted fresh for the container's own namespaces, then covered where they show or change the host.</summary>
internal static class ProcSteps
{
    private const ulong Attributes = Linux.MountNoSetUid | Linux.MountNoDevices | Linux.MountNoExecute;

    /// <summary>Paths no container may read: Docker's list (moby daemon/pkg/oci/defaults.go).</summary>
    private static readonly (string Path, bool IsDirectory)[] MaskedInProc =
    [
        ("acpi", true), ("asound", true), ("interrupts", false), ("kcore", false), ("keys", false), ("latency_stats", false),
        ("sched_debug", false), ("scsi", true), ("timer_list", false), ("timer_stats", false),
    ];

    private static readonly (string Path, bool IsDirectory)[] MaskedInSys = [("firmware", true), ("devices/virtual/powercap", true)];

    /// <summary>Paths no container may write: the same list, and the triggers of pressure, which wake threads of the host's kernel.</summary>
    private static readonly string[] ReadOnlyInProc = ["bus", "fs", "irq", "pressure", "sys", "sysrq-trigger"];

    /// <summary>A procfs of this process's PID namespace, attached nowhere yet.</summary>
    public static Cell Make(ProgramBuilder program) => MountCalls.Make(program, "proc", Attributes);

    /// <summary>Mounts proc for the container's PID namespace.</summary>
    public static Cell MountProc(ProgramBuilder program, LaunchContext context, RootPaths paths)
    {
        var target = paths.OpenDirectory("/proc");
        Cell proc;
        if (context is { Rootless: true, Spec.Namespaces.SharesHostProcesses: true })
        {
            // A procfs of the host's PID namespace is made by the host's root alone; the one that is there can be shown, with what is mounted on it.
            MountCalls.Clone(program, "/proc", out proc, recursive: true);
            MountCalls.SetAttributes(program, proc, "restrict", "/proc", new Linux.MountAttributes { Set = Attributes, Propagation = Linux.MountPrivate }, recursive: true);
        }
        else
        {
            proc = Make(program);
        }

        paths.Attach(proc, target, "attach proc to", "/proc");
        return proc;
    }

    /// <summary>Mounts sysfs of the container's own network namespace.</summary>
    public static Cell MountSys(ProgramBuilder program, RootPaths paths, bool readOnly)
    {
        var target = paths.OpenDirectory("/sys");
        var sys = MountCalls.Make(program, "sysfs", Attributes | (readOnly ? Linux.MountReadOnly : 0));
        paths.Attach(sys, target, "attach sysfs to", "/sys");
        return sys;
    }

    /// <summary>The container's own cgroup, read-only, where programs look for their limits.</summary>
    public static void MountCgroup(ProgramBuilder program, RootPaths paths)
    {
        paths.Open("/sys/fs/cgroup", "open mount target", out var target);
        var cgroup = MountCalls.Make(program, "cgroup2", Attributes | Linux.MountReadOnly);
        paths.Attach(cgroup, target, "attach cgroup2 to", "/sys/fs/cgroup");
    }

    /// <summary>
    /// Covers the masked paths with an empty file or directory of our own making: never with the image's /dev/null, which
    /// may be a link to what should be hidden (CVE-2025-31133). Only a path that this kernel does not have is skipped. The masks are
    /// cloned from a mount in the engine's scratch directory, which stays behind with the host's root: kernels before 6.15 clone only
    /// what is attached somewhere.
    /// </summary>
    public static void Mask(ProgramBuilder program, LaunchContext context, RootPaths paths, Cell scratch, Cell proc, Cell? sys)
    {
        var empty = MountCalls.Make(program, "tmpfs", Attributes, ("mode", "555"), ("size", "4k"), ("nr_inodes", "4"));
        program.Call(SystemCall.MakeDirectoryAt, "create", "the empty directory", empty, program.Text("d"), RootPaths.Mode(0, 5, 5, 5));
        program.Call(SystemCall.MakeNodeAt, "create", "the empty file", empty, program.Text("f"), Linux.ModeRegular | RootPaths.Mode(0, 4, 4, 4), 0);
        MountCalls.SetAttributes(program, empty, "make read-only", "the empty mask", new Linux.MountAttributes { Set = Linux.MountReadOnly }, recursive: false);
        MountCalls.Attach(program, empty, scratch, "attach the empty mask to", context.ScratchDirectory);
        var file = program.Text("f");
        var directory = program.Text("d");
        MaskAll(program, paths, empty, file, directory, proc, "/proc/", MaskedInProc);
        if (sys is { } mounted)
        {
            MaskAll(program, paths, empty, file, directory, mounted, "/sys/", MaskedInSys);
        }
    }

    public static void ProtectFromWrites(ProgramBuilder program, RootPaths paths, Cell proc)
    {
        foreach (var path in ReadOnlyInProc)
        {
            var absent = new Jump();
            MountCalls.Clone(program, proc, path, "clone", "/proc/" + path, out var tree, recursive: true).Ignoring(Errno.ENOENT).OrJumpTo(absent);
            MountCalls.SetAttributes(program, tree, "make read-only", "/proc/" + path, new Linux.MountAttributes { Set = Linux.MountReadOnly }, recursive: true);
            var target = OpenIn(program, proc, path, "/proc/" + path, null);
            paths.Attach(tree, target, "attach read-only", "/proc/" + path);
            program.Land(absent);
        }
    }

    /// <summary>
    /// Writes a file of the container's own procfs, through the descriptor it was mounted by: no path, no link and no mount that
    /// someone else could have put in the way (CVE-2019-16884, CVE-2025-52881).
    /// </summary>
    /// <param name="program">The program.</param>
    /// <param name="proc">The procfs.</param>
    /// <param name="path">The file in it; of links, only the kernel's own <c>thread-self</c> may be on the way.</param>
    /// <param name="value">What to write.</param>
    public static void WriteFile(ProgramBuilder program, Cell proc, string path, string value)
    {
        var fd = program.NewCell();
        program.Call(SystemCall.OpenAt2, "open", "/proc/" + path, proc, program.Text(path),
            program.Structure(new Linux.OpenHow
            {
                Flags = Libc.OpenWriteOnly | Libc.OpenCloseOnExec,
                Resolve = Linux.ResolveBeneath | Linux.ResolveNoCrossing | Linux.ResolveNoMagicLinks |
                    (path.StartsWith("thread-self/", StringComparison.Ordinal) ? 0 : Linux.ResolveNoSymlinks),
            }),
            Linux.OpenHow.Size).Into(fd).Retrying();
        program.Call(SystemCall.Write, $"write \"{value}\" to", "/proc/" + path, fd, program.Bytes(Encoding.UTF8.GetBytes(value)), Encoding.UTF8.GetByteCount(value));
        program.Call(SystemCall.Close, "close", "/proc/" + path, fd);
    }

    private static void MaskAll(
        ProgramBuilder program, RootPaths paths, Cell empty, Argument file, Argument directory, Cell tree, string prefix, (string Path, bool IsDirectory)[] masked)
    {
        foreach (var (path, isDirectory) in masked)
        {
            var absent = new Jump();
            var target = OpenIn(program, tree, path, prefix + path, absent);
            var mask = program.NewCell();
            program.Call(SystemCall.OpenTree, "clone the mask for", prefix + path, empty, isDirectory ? directory : file,
                Linux.OpenTreeClone | Libc.OpenCloseOnExec).Into(mask);
            paths.Attach(mask, target, "mask", prefix + path);
            program.Land(absent);
        }
    }

    private static Cell OpenIn(ProgramBuilder program, Cell tree, string path, string subject, Jump? absent)
    {
        var fd = program.NewCell();
        var open = program.Call(SystemCall.OpenAt2, "open", subject, tree, program.Text(path),
            program.Structure(new Linux.OpenHow
            {
                Flags = Libc.OpenPath | Libc.OpenCloseOnExec,
                Resolve = Linux.ResolveBeneath | Linux.ResolveNoSymlinks | Linux.ResolveNoMagicLinks,
            }),
            Linux.OpenHow.Size).Into(fd).Retrying();
        if (absent is not null)
        {
            open.Ignoring(Errno.ENOENT).OrJumpTo(absent);
        }

        return fd;
    }
}
