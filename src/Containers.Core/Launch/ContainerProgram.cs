using System.Collections.Immutable;
using Containers.Interop;
using Containers.Seccomp;
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
        if (spec.WithoutNamespaces)
        {
            return ProcessProgram.Compile(context, streams);
        }

        var namespaces = spec.Namespaces;
        var program = new ProgramBuilder();
        var sources = context.Ids is null ? HostSources.None : HostSources.Open(program, context, streams);
        ConfigurationSteps.SetOomScore(program, context);
        program.Enter(SetupPhase.Isolate);
        var worker = JoinSteps.NeedsWorker(context);
        var flags = Flags(namespaces);
        if (context.Ids is not null || context.KeptIds is not null)
        {
            JoinSteps.CloneIntoUserNamespace(program, context, flags);
        }
        else if (worker)
        {
            JoinSteps.CloneInto(program, context, flags);
        }

        program.Call(SystemCall.NewSession, "start a session", null);
        if (context.MayUseKeys)
        {
            IdentitySteps.JoinFreshKeyring(program);
        }

        // Before anything is allocated: all that follows is charged to the container and ends with it. The cgroup namespace
        // is made after the move, or its root would be the host's cgroup.
        program.Enter(SetupPhase.JoinCgroup);
        JoinSteps.JoinCgroup(program, context);

        if (namespaces.Cgroup.Mode == NamespaceMode.Private)
        {
            program.Call(SystemCall.Unshare, "unshare the cgroup namespace", null, (long)Linux.CloneNewCgroup);
        }

        program.Enter(SetupPhase.JoinNamespaces);
        var scratch = RootSteps.OpenScratch(program, context);
        if (context.Ids is not null)
        {
            program.Enter(SetupPhase.MapIds);
            IdentitySteps.BecomeRootInside(program);
        }
        else if (context.KeptIds is null)
        {
            JoinSteps.JoinOwn(program, context);
        }

        if (context.Gate is not null)
        {
            GateSteps.GiveNetwork(program, context);
        }

        var joinsRoot = namespaces.Mount.Mode == NamespaceMode.Container;
        var root = joinsRoot ? JoinRoot(program, context) : BuildRoot(program, context, sources, scratch);
        var (paths, proc) = (root.Paths, root.Proc);

        program.Enter(SetupPhase.Configure);
        if (namespaces.Uts.Mode == NamespaceMode.Private)
        {
            ConfigurationSteps.SetNames(program, context.Hostname, spec.DomainName);
        }

        if (namespaces.Network.Mode == NamespaceMode.Private)
        {
            ConfigurationSteps.BringLoopbackUp(program);
        }

        if (context.Gate is { } gate)
        {
            GateSteps.Wait(program, context, gate);
        }

        ConfigurationSteps.SetSysctls(program, context, proc);

        program.Enter(SetupPhase.Protect);
        if (spec.Security.CoverKernelPaths && !joinsRoot)
        {
            ProcSteps.ProtectFromWrites(program, paths, proc);
        }

        paths.Open(context.WorkingDirectory, "open working directory", out var workingDirectory);
        if (spec.IsRootReadOnly && !joinsRoot)
        {
            RootSteps.MakeReadOnly(program, paths);
        }

        program.Enter(SetupPhase.StandardStreams);
        Cell? terminal = null;
        if (spec.Terminal is { } size)
        {
            terminal = StreamSteps.UseTerminal(program, paths, root.Terminals, size, isConsole: !joinsRoot);
        }
        else
        {
            StreamSteps.UsePipes(program, context, paths, streams);
        }

        HandoverSteps.Append(program, context, proc, root.Terminals, root.Layer, terminal);

        var execPipe = context.DescriptorOfOptional(streams.Started);
        var init = spec.HasInit ? InitSteps.Fork(program, context) : null;
        var attempts = AppendJob(program, context, proc, workingDirectory, execPipe);
        if (init is not null)
        {
            InitSteps.AppendInit(program, context, init);
        }

        return new ContainerProgram(program.Build(), worker ? 0 : flags, worker, attempts, init);
    }

    /// <summary>A root of its own, made apart, filled, covered, and entered.</summary>
    private static ContainerRoot BuildRoot(ProgramBuilder program, LaunchContext context, HostSources sources, Cell scratch)
    {
        var spec = context.Spec;
        var namespaces = spec.Namespaces;
        program.Enter(SetupPhase.BuildRoot);
        RootSteps.MakePrivate(program);
        var layer = new WritableLayer(context, sources, scratch);
        var paths = RootSteps.Build(program, context, sources, layer);
        var proc = ProcSteps.MountProc(program, context, paths);
        var pts = DeviceSteps.Build(program, context, sources, paths);
        Cell? sys = namespaces.Network.Mode == NamespaceMode.Private ? ProcSteps.MountSys(program, paths, spec.Security.CoverKernelPaths) : null;
        if (sys is not null && context.CgroupUnified && namespaces.Cgroup.Mode == NamespaceMode.Private)
        {
            ProcSteps.MountCgroup(program, paths);
        }

        RootSteps.KeepTemporaryDirectory(program, context, paths, layer);
        NetworkFileSteps.Write(program, context, paths);
        foreach (var file in spec.Files)
        {
            FileSteps.Write(program, paths, file.Path, file.Content.Span, file.Mode, file.OwnerUserId, file.OwnerGroupId);
        }

        MountSteps.AttachVolumes(program, context, paths);
        if (spec.MakesWorkingDirectory)
        {
            paths.OpenDirectory(context.WorkingDirectory);
        }

        foreach (var mount in context.Mounts)
        {
            MountSteps.Attach(program, context, paths, layer, mount);
        }

        if (spec.Security.CoverKernelPaths)
        {
            ProcSteps.Mask(program, context, paths, scratch, proc, sys);
        }

        program.Enter(SetupPhase.EnterRoot);
        RootSteps.Enter(program, paths, spec.AllowMoveRoot);
        return new ContainerRoot(paths, proc, pts, layer.Mount);
    }

    /// <summary>The root of another container, as that one built it: nothing is mounted there.</summary>
    private static ContainerRoot JoinRoot(ProgramBuilder program, LaunchContext context)
    {
        // Attached nowhere: for this program's own writes and looks. What is attached there belongs to the other's processes.
        program.Enter(SetupPhase.BuildRoot);
        var proc = ProcSteps.Make(program);
        program.Enter(SetupPhase.EnterRoot);
        JoinSteps.JoinMounts(program, context);
        return new ContainerRoot(RootSteps.OpenPresent(program), proc, context.DescriptorOf(context.Spec.Namespaces.Mount.Owner!.Terminals), null);
    }

    /// <summary>From here on a start and an exec are the same: one policy for both (CVE-2022-29162, CVE-2026-30892).</summary>
    /// <param name="program">The program.</param>
    /// <param name="context">What to launch.</param>
    /// <param name="proc">A procfs that shows this process; null where its label is set already.</param>
    /// <param name="workingDirectory">Opened inside the root.</param>
    /// <param name="execPipe">The number of the pipe whose end tells of the execve, where somebody waits for it.</param>
    public static ImmutableArray<ExecAttempt> AppendJob(ProgramBuilder program, LaunchContext context, Cell? proc, Cell workingDirectory, int? execPipe)
    {
        program.Enter(SetupPhase.Limits);
        IdentitySteps.SetLimits(program, context);
        var security = context.Spec.Security;
        if (proc is { } mounted)
        {
            // After the fork of the init, which stays what it is: a process can set no label but its own.
            program.Enter(SetupPhase.Label);
            LabelSteps.Set(program, security, mounted);
        }

        program.Enter(SetupPhase.BoundingSet);
        IdentitySteps.DropBoundingSet(program, context.LastCapability, context.Capabilities);
        program.Enter(SetupPhase.Groups);
        IdentitySteps.SetGroups(program, context);
        program.Enter(SetupPhase.User);

        // A filter is installed with no_new_privs or with CAP_SYS_ADMIN. The latter, which is not in the bounding set, ends with the execve.
        var kept = security.AmbientMask | (security is { NoNewPrivileges: false, Seccomp: not null } ? 1UL << (int)Capability.SysAdmin : 0);
        if (kept != 0)
        {
            IdentitySteps.KeepCapabilities(program);
        }

        IdentitySteps.SetUser(program, context);
        program.Enter(SetupPhase.WorkingDirectory);
        IdentitySteps.EnterWorkingDirectory(program, context.WorkingDirectory, workingDirectory);
        program.Call(SystemCall.SetUmask, "set the umask", null, RootPaths.Mode(0, 0, 2, 2));
        program.Enter(SetupPhase.Capabilities);

        // The container's root keeps its set; anyone else has none but the ambient ones, as the kernel's rules give after setuid.
        IdentitySteps.SetCapabilities(program, (context.User.UserId == 0 ? context.Capabilities : 0) | kept, security.AmbientMask);
        if (security.NoNewPrivileges)
        {
            program.Enter(SetupPhase.NoNewPrivileges);
            IdentitySteps.SetNoNewPrivileges(program);
        }

        if (context.LandlockVersion > 0 && security.Landlock)
        {
            program.Enter(SetupPhase.Landlock);
            LandlockSteps.Restrict(program, context.LandlockVersion);
        }

        return AppendExecution(program, context, security.Seccomp?.Compile(context.Capabilities), execPipe);
    }

    /// <summary>The very end: the filter, and the job.</summary>
    public static ImmutableArray<ExecAttempt> AppendExecution(ProgramBuilder program, LaunchContext context, SeccompFilter? filter, int? execPipe)
    {
        if (filter is { HasListener: true })
        {
            // What comes by the listener is asked of the host: it has to be sent there through the filter.
            program.Enter(SetupPhase.Seccomp);
            var listener = SeccompSteps.InstallWithListener(program, filter);
            program.Enter(SetupPhase.HandOverListener);
            GuardianProgram.AppendMessage(program, LauncherMessageKind.Listener, context.LaunchId, [listener]);
            ExecuteSteps.CloseDescriptors(program, execPipe);
        }
        else
        {
            program.Enter(SetupPhase.CloseDescriptors);
            ExecuteSteps.CloseDescriptors(program, execPipe);

            // The last step of all: the filter has to allow nothing but what the job does.
            if (filter is not null)
            {
                program.Enter(SetupPhase.Seccomp);
                SeccompSteps.Install(program, filter);
            }
        }

        program.Enter(SetupPhase.Execute);
        return ExecuteSteps.Execute(program, context.Executables, context.Arguments, context.Environment);
    }

    private static ulong Flags(NamespaceSet namespaces)
    {
        // Also where another's mounts are joined: until then the process makes a procfs, for which it needs mounts of its own.
        var flags = Linux.CloneNewMount;
        flags |= namespaces.Uts.Mode == NamespaceMode.Private ? Linux.CloneNewUts : 0;
        flags |= namespaces.Ipc.Mode == NamespaceMode.Private ? Linux.CloneNewIpc : 0;
        flags |= namespaces.Network.Mode == NamespaceMode.Private ? Linux.CloneNewNetwork : 0;
        flags |= namespaces.Pid.Mode == NamespaceMode.Private ? Linux.CloneNewPid : 0;
        flags |= namespaces.Time.Mode == NamespaceMode.Private ? Linux.CloneNewTime : 0;
        return flags;
    }
}

/// <summary>Where the process is, once it has its root.</summary>
/// <param name="Paths">Resolves paths of it.</param>
/// <param name="Proc">A procfs of the container's PID namespace.</param>
/// <param name="Terminals">The pts instance that terminals are allocated from.</param>
/// <param name="Layer">What holds the container's own files, where there is such a layer.</param>
internal sealed record ContainerRoot(RootPaths Paths, Cell Proc, Argument Terminals, Cell? Layer);

/// <summary>The job's ends of its standard streams, and of the pipe whose end tells that execve has happened.</summary>
internal sealed record JobStreams(FileDescriptor? Input, FileDescriptor? Output, FileDescriptor? Error, FileDescriptor? Started);
