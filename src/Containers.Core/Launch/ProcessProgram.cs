using Containers.Specification;

namespace Containers.Launch;

/// <summary>
/// The set-up of a container without namespaces, for places where none can be had: a process of the engine's own user, among the
/// host's others, below an init that ends what it started. What keeps it there is Landlock, the filter of system calls, and limits.
/// </summary>
internal static class ProcessProgram
{
    /// <summary>What programs look at of themselves and of the machine.</summary>
    private static readonly (string Path, bool IsDirectory)[] Kernel =
        [("/proc/self", true), ("/proc/cpuinfo", false), ("/proc/meminfo", false), ("/sys/devices/system/cpu", true)];

    private static readonly string[] Devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

    public static ContainerProgram Compile(LaunchContext context, JobStreams streams)
    {
        var program = new ProgramBuilder();
        program.Enter(SetupPhase.OpenSources);
        ConfigurationSteps.SetOomScore(program, context);
        program.Enter(SetupPhase.Isolate);
        program.Call(SystemCall.NewSession, "start a session", null);
        IdentitySteps.JoinFreshKeyring(program);
        program.Enter(SetupPhase.JoinCgroup);
        JoinSteps.JoinCgroup(program, context);
        program.Enter(SetupPhase.Protect);
        var paths = RootSteps.OpenPresent(program);
        paths.Open(context.WorkingDirectory, "open working directory", out var workingDirectory);
        program.Enter(SetupPhase.StandardStreams);
        StreamSteps.UsePipes(program, context, paths, streams);
        var execPipe = context.DescriptorOfOptional(streams.Started);
        var init = InitSteps.Fork(program, context);

        program.Enter(SetupPhase.Limits);
        IdentitySteps.SetLimits(program, context);
        program.Enter(SetupPhase.Label);
        LabelSteps.Set(program, context.Spec.Security, null);
        if (context.MayDropBoundingSet)
        {
            program.Enter(SetupPhase.BoundingSet);
            IdentitySteps.DropBoundingSet(program, context.LastCapability, keep: 0);
        }

        program.Enter(SetupPhase.WorkingDirectory);
        IdentitySteps.EnterWorkingDirectory(program, context.WorkingDirectory, workingDirectory);
        program.Call(SystemCall.SetUmask, "set the umask", null, RootPaths.Mode(0, 0, 2, 2));
        program.Enter(SetupPhase.Capabilities);
        IdentitySteps.SetCapabilities(program, 0);
        program.Enter(SetupPhase.NoNewPrivileges);
        IdentitySteps.SetNoNewPrivileges(program);
        program.Enter(SetupPhase.Landlock);
        LandlockSteps.Confine(program, context.LandlockVersion, Reachable(context));
        var profile = context.Spec.Security.Seccomp!.WithoutNamespaces(signals: context.LandlockVersion < LandlockSteps.VersionWithScopes);
        var attempts = ContainerProgram.AppendExecution(program, context, profile.Compile(0), execPipe);
        InitSteps.AppendInit(program, context, init);
        return new ContainerProgram(program.Build(), CloneFlags: 0, HasWorker: false, attempts, init);
    }

    private static IEnumerable<ReachablePath> Reachable(LaunchContext context)
    {
        foreach (var bind in ((HostRootPlan)context.Root).Binds)
        {
            yield return new ReachablePath(bind.Path, bind.IsDirectory, IsWritable: false);
        }

        foreach (var (path, isDirectory) in Kernel)
        {
            yield return new ReachablePath(path, isDirectory, IsWritable: false);
        }

        foreach (var device in Devices)
        {
            yield return new ReachablePath(device, IsDirectory: false, IsWritable: true);
        }

        foreach (var mount in context.Spec.Mounts)
        {
            yield return new ReachablePath(mount.Target, Directory.Exists(mount.Target), !mount.ReadOnly);
        }

        yield return new ReachablePath(context.PrivateDirectory!, IsDirectory: true, IsWritable: true);
    }
}
