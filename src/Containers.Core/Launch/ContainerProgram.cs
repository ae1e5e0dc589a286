using System.Collections.Immutable;
using Containers.Interop;
using Containers.Specification;

namespace Containers.Launch;

/// <summary>
/// The set-up of a container, from the moment its first process exists in its new namespaces to the execve of the job. The
/// order is here, in one method, to be read from top to bottom; each step says which attack it stops.
/// </summary>
internal sealed record ContainerProgram(SyscallProgram Program, ulong CloneFlags, bool HasWorker, ImmutableArray<ExecAttempt> Attempts, InitPlan? Init)
{
    /// <summary>Compiles it. No kernel is needed: what is found out about the host is in the context.</summary>
    /// <param name="context">What to launch.</param>
    /// <param name="streams">The job's ends of its standard streams.</param>
    public static ContainerProgram Compile(LaunchContext context, JobStreams streams)
    {
        var spec = context.Spec;
        var namespaces = spec.Namespaces;
        var program = new ProgramBuilder();
        program.Enter(SetupPhase.Isolate);
        var worker = JoinSteps.NeedsWorker(context.Joined);
        var flags = Flags(namespaces);
        if (worker)
        {
            JoinSteps.CloneInto(program, context, flags);
            flags = 0;
        }

        program.Call(SystemCall.NewSession, "start a session", null);

        // Before anything is allocated: all that follows is charged to the container and ends with it. The cgroup namespace
        // is made after the move, or its root would be the host's cgroup.
        program.Enter(SetupPhase.JoinCgroup);
        JoinSteps.JoinCgroup(program, context);

        if (namespaces.Cgroup.Mode == NamespaceMode.Private)
        {
            program.Call(SystemCall.Unshare, "unshare the cgroup namespace", null, (long)Linux.CloneNewCgroup);
        }

        program.Enter(SetupPhase.JoinNamespaces);
        JoinSteps.JoinOwn(program, context);

        program.Enter(SetupPhase.BuildRoot);
        RootSteps.MakePrivate(program);
        var layer = new WritableLayer(context);
        var paths = RootSteps.Build(program, context, layer);
        var proc = ProcSteps.MountProc(program, paths);
        var pts = DeviceSteps.Build(program, context, paths);
        Cell? sys = namespaces.Network.Mode == NamespaceMode.Private ? ProcSteps.MountSys(program, paths) : null;
        if (sys is not null && context.CgroupUnified && namespaces.Cgroup.Mode == NamespaceMode.Private)
        {
            ProcSteps.MountCgroup(program, paths);
        }

        NetworkFileSteps.Write(program, context, paths);
        foreach (var file in spec.Files)
        {
            FileSteps.Write(program, paths, file.Path, file.Content.Span, file.Mode, file.OwnerUserId, file.OwnerGroupId);
        }

        foreach (var mount in context.Mounts)
        {
            MountSteps.Attach(program, context, paths, layer, mount);
        }

        ProcSteps.Mask(program, context, paths, proc, sys);

        program.Enter(SetupPhase.EnterRoot);
        RootSteps.Enter(program, paths, spec.AllowMoveRoot);

        program.Enter(SetupPhase.Configure);
        if (namespaces.Uts.Mode == NamespaceMode.Private)
        {
            ConfigurationSteps.SetNames(program, context.Hostname, spec.DomainName);
        }

        if (namespaces.Network.Mode == NamespaceMode.Private)
        {
            ConfigurationSteps.BringLoopbackUp(program);
        }

        ConfigurationSteps.SetSysctls(program, context, proc);
        if (spec.OomScoreAdjustment is { } adjustment)
        {
            ConfigurationSteps.SetOomScore(program, adjustment, proc);
        }

        program.Enter(SetupPhase.Protect);
        ProcSteps.ProtectFromWrites(program, paths, proc);
        paths.Open(context.WorkingDirectory, "open working directory", out var workingDirectory);
        if (spec.ReadOnlyRoot)
        {
            RootSteps.MakeReadOnly(program, paths);
        }

        program.Enter(SetupPhase.StandardStreams);
        Cell? terminal = null;
        if (spec.Terminal is { } size)
        {
            terminal = StreamSteps.UseTerminal(program, paths, pts, size, isConsole: true);
        }
        else
        {
            StreamSteps.UsePipes(program, context, paths, streams);
        }

        HandoverSteps.Append(program, context, proc, pts, layer.Mount, terminal);

        var execPipe = context.DescriptorOfOptional(streams.Started);
        var init = spec.Init ? InitSteps.Fork(program, context) : null;
        var attempts = AppendJob(program, context, workingDirectory, execPipe);
        if (init is not null)
        {
            InitSteps.AppendInit(program, context, init);
        }

        return new ContainerProgram(program.Build(), flags, worker, attempts, init);
    }

    /// <summary>From here on a start and an exec are the same: one policy for both (CVE-2022-29162, CVE-2026-30892).</summary>
    public static ImmutableArray<ExecAttempt> AppendJob(ProgramBuilder program, LaunchContext context, Cell workingDirectory, int? execPipe)
    {
        program.Enter(SetupPhase.Limits);
        IdentitySteps.SetLimits(program, context);
        program.Enter(SetupPhase.BoundingSet);
        IdentitySteps.DropBoundingSet(program, context.LastCapability, Capabilities.Default);
        program.Enter(SetupPhase.Groups);
        IdentitySteps.SetGroups(program, context);
        program.Enter(SetupPhase.User);
        IdentitySteps.SetUser(program, context);
        program.Enter(SetupPhase.WorkingDirectory);
        IdentitySteps.EnterWorkingDirectory(program, context.WorkingDirectory, workingDirectory);
        program.Call(SystemCall.SetUmask, "set the umask", null, RootPaths.Mode(0, 0, 2, 2));
        program.Enter(SetupPhase.Capabilities);

        // The container's root keeps the default set; anyone else has none, as the kernel's rules give after setuid.
        IdentitySteps.SetCapabilities(program, context.User.UserId == 0 ? Capabilities.Default : 0);
        program.Enter(SetupPhase.NoNewPrivileges);
        IdentitySteps.SetNoNewPrivileges(program);

        // The seccomp filter comes here: after the last call it would have to allow, before the job.
        program.Enter(SetupPhase.Seccomp);
        program.Enter(SetupPhase.CloseDescriptors);
        ExecuteSteps.CloseDescriptors(program, execPipe);
        program.Enter(SetupPhase.Execute);
        return ExecuteSteps.Execute(program, context.Executables, context.Arguments, context.Environment);
    }

    private static ulong Flags(NamespaceSet namespaces)
    {
        var flags = Linux.CloneNewMount;
        flags |= namespaces.Uts.Mode == NamespaceMode.Private ? Linux.CloneNewUts : 0;
        flags |= namespaces.Ipc.Mode == NamespaceMode.Private ? Linux.CloneNewIpc : 0;
        flags |= namespaces.Network.Mode == NamespaceMode.Private ? Linux.CloneNewNetwork : 0;
        flags |= namespaces.Pid.Mode == NamespaceMode.Private ? Linux.CloneNewPid : 0;
        flags |= namespaces.Time.Mode == NamespaceMode.Private ? Linux.CloneNewTime : 0;
        return flags;
    }
}

/// <summary>The job's ends of its standard streams, and of the pipe whose end tells that execve has happened.</summary>
internal sealed record JobStreams(FileDescriptor? Input, FileDescriptor? Output, FileDescriptor? Error, FileDescriptor? Started);
