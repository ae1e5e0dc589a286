using System.Collections.Immutable;
using Containers.Interop;
using Containers.Specification;

namespace Containers.Launch;

/// <summary>Joining namespaces of a container that runs: for an exec, and for one container that shares with another.</summary>
internal static class JoinSteps
{
    /// <summary>The PID and time namespaces are entered by children only, so a worker joins them and clones.</summary>
    public static bool NeedsWorker(ImmutableArray<KeyValuePair<NamespaceKind, FileDescriptor>> joined)
    {
        foreach (var (kind, _) in joined)
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

        Clone(program, context.LaunchId, flags);
    }

    /// <summary>Moves this process, while it has one thread, into the container's v1 groups; it was born in the v2 one.</summary>
    public static void JoinCgroup(ProgramBuilder program, LaunchContext context)
    {
        foreach (var file in context.CgroupJoinFiles)
        {
            GuardianProgram.WriteFile(program, file, "0");
        }
    }

    /// <summary>The namespaces that a process can join itself.</summary>
    public static void JoinOwn(ProgramBuilder program, LaunchContext context)
    {
        foreach (var (kind, descriptor) in context.Joined)
        {
            if (kind is not (NamespaceKind.Pid or NamespaceKind.Time))
            {
                Join(program, context, kind, descriptor);
            }
        }
    }

    public static void Join(ProgramBuilder program, LaunchContext context, NamespaceKind kind, FileDescriptor descriptor) =>
        program.Call(SystemCall.SetNamespace, "join the namespace", kind.ToString(), context.DescriptorOf(descriptor), (long)Type(kind));

    /// <summary>Clones with the guardian as parent, which then reaps and reports the child as any other.</summary>
    public static void Clone(ProgramBuilder program, uint launchId, ulong flags)
    {
        var pidfd = program.Reserve(8);
        var pid = program.NewCell();
        var child = new Jump();
        program.Call(SystemCall.Clone3, "clone into the namespaces", null,
            program.Structure(new Linux.CloneArguments { Flags = flags | Linux.CloneParent | Linux.ClonePidfd, Pidfd = pidfd }), Linux.CloneArguments.Size).Into(pid);
        program.JumpIfZero(pid, child);
        GuardianProgram.AppendMessage(program, LauncherMessageKind.Cloned, launchId, [new Cell(pidfd)], pid);
        program.Call(SystemCall.ExitGroup, "leave the job alone", null, 0);
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
