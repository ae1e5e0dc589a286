using Containers.Interop;
using Containers.Specification;

namespace Containers.Launch;

/// <summary>Joining namespaces of a container that runs: for an exec, and for one container that shares with another.</summary>
internal static class JoinSteps
{
    /// <summary>The PID and time namespaces are entered by children only, and what is made in a user namespace needs it first: a worker joins and clones.</summary>
    public static bool NeedsWorker(LaunchContext context)
    {
        if (context.Ids is not null || context.KeptIds is not null)
        {
            return true;
        }

        foreach (var (kind, _) in context.Joined)
        {
            if (kind is NamespaceKind.Pid or NamespaceKind.Time)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The worker's part: joins, clones a sibling of itself into the new namespaces, tells the host, and ends.</summary>
    public static void CloneInto(ProgramBuilder program, LaunchContext context, ulong flags)
    {
        foreach (var (kind, descriptor) in context.Joined)
        {
            if (kind is NamespaceKind.Pid or NamespaceKind.Time)
            {
                Join(program, context, kind, descriptor);
            }
        }

        Clone(program, context, flags);
    }

    /// <summary>The worker's part for a container with a user namespace: everything cloned from there on belongs to that.</summary>
    public static void CloneIntoUserNamespace(ProgramBuilder program, LaunchContext context, ulong flags)
    {
        foreach (var (kind, descriptor) in context.Joined)
        {
            if (kind != NamespaceKind.Mount)
            {
                Join(program, context, kind, descriptor);
            }
        }

        Join(program, context, NamespaceKind.User, context.KeptIds ?? context.Ids!.Lease.Descriptor!);
        Clone(program, context, flags);
    }

    /// <summary>Moves this process, while it has one thread, into the container's v1 groups; it was born in the v2 one.</summary>
    public static void JoinCgroup(ProgramBuilder program, LaunchContext context)
    {
        foreach (var file in context.CgroupJoinFiles)
        {
            GuardianProgram.WriteFile(program, file, "0");
        }
    }

    /// <summary>The namespaces that a process can join itself, but for its mounts.</summary>
    public static void JoinOwn(ProgramBuilder program, LaunchContext context)
    {
        foreach (var (kind, descriptor) in context.Joined)
        {
            if (kind is not (NamespaceKind.Pid or NamespaceKind.Time or NamespaceKind.Mount))
            {
                Join(program, context, kind, descriptor);
            }
        }
    }

    /// <summary>Joins the mount namespace, after which every path is the container's.</summary>
    public static void JoinMounts(ProgramBuilder program, LaunchContext context)
    {
        foreach (var (kind, descriptor) in context.Joined)
        {
            if (kind == NamespaceKind.Mount)
            {
                Join(program, context, kind, descriptor);
            }
        }
    }

    /// <summary>Joins the user namespace that a namespace belongs to (ioctl_ns(2), NS_GET_USERNS).</summary>
    public static void JoinOwner(ProgramBuilder program, Argument descriptor)
    {
        const int GetUserNamespace = 0xb701;
        var owner = program.NewCell();
        program.Call(SystemCall.Ioctl, "find the user namespace of", "the container", descriptor, GetUserNamespace, 0).Into(owner);
        program.Call(SystemCall.SetNamespace, "join the namespace", nameof(NamespaceKind.User), owner, (long)Linux.CloneNewUser);
    }

    private static void Join(ProgramBuilder program, LaunchContext context, NamespaceKind kind, FileDescriptor descriptor) =>
        program.Call(SystemCall.SetNamespace, "join the namespace", kind.ToString(), context.DescriptorOf(descriptor), (long)Type(kind));

    /// <summary>Clones with the guardian as parent, which then reaps and reports the child as any other.</summary>
    private static void Clone(ProgramBuilder program, LaunchContext context, ulong flags)
    {
        // The worker itself stays outside: it would count as a process of the container.
        var cgroup = context.CgroupDirectory is { } directory ? context.DescriptorOf(directory) : 0;
        flags |= context.CgroupDirectory is null ? 0 : Linux.CloneIntoCgroup;
        var pidfd = program.Reserve(8);
        var pid = program.NewCell();
        var child = new Jump();
        program.Call(SystemCall.Clone3, "clone into the namespaces", null,
            program.Structure(new Linux.CloneArguments { Flags = flags | Linux.CloneParent | Linux.ClonePidfd, Pidfd = pidfd, Cgroup = (ulong)cgroup }),
            Linux.CloneArguments.Size).Into(pid);
        program.JumpIfZero(pid, child);
        GuardianProgram.AppendMessage(program, LauncherMessageKind.Cloned, context.LaunchId, [new Cell(pidfd)], pid);
        program.Call(SystemCall.ExitGroup, "leave the job alone", null, LauncherFormat.ExitCloned);
        program.Land(child);
    }

    private static ulong Type(NamespaceKind kind) => kind switch
    {
        NamespaceKind.Mount => Linux.CloneNewMount,
        NamespaceKind.Uts => Linux.CloneNewUts,
        NamespaceKind.Ipc => Linux.CloneNewIpc,
        NamespaceKind.Network => Linux.CloneNewNetwork,
        NamespaceKind.Pid => Linux.CloneNewPid,
        NamespaceKind.User => Linux.CloneNewUser,
        NamespaceKind.Cgroup => Linux.CloneNewCgroup,
        NamespaceKind.Time => Linux.CloneNewTime,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
