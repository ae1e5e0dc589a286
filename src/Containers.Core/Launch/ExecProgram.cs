using Containers.Interop;

namespace Containers.Launch;

/// <summary>The set-up of one more process in a container that runs. From the limits on it is the same as a start.</summary>
internal static class ExecProgram
{
    /// <param name="context">What to run; its joined namespaces are all of the container's.</param>
    /// <param name="streams">The process's ends of its standard streams.</param>
    /// <param name="terminals">The container's pts instance.</param>
    public static ContainerProgram Compile(LaunchContext context, JobStreams streams, FileDescriptor terminals)
    {
        var program = new ProgramBuilder();
        if (context.Ids is not null)
        {
            program.Enter(SetupPhase.OpenSources);
            StreamSteps.Give(program, context, streams);
        }

        ConfigurationSteps.SetOomScore(program, context);
        program.Enter(SetupPhase.Isolate);
        JoinSteps.CloneInto(program, context, 0);
        program.Call(SystemCall.NewSession, "start a session", null);
        if (context.MayUseKeys)
        {
            IdentitySteps.JoinFreshKeyring(program);
        }

        program.Enter(SetupPhase.JoinCgroup);
        JoinSteps.JoinCgroup(program, context);
        program.Enter(SetupPhase.JoinNamespaces);

        // By the host's procfs: in the container's mounts something else could stand at its path.
        LabelSteps.Set(program, context.Spec.Security, null);
        JoinSteps.JoinOwn(program, context);
        JoinSteps.JoinMounts(program, context);
        if (context.Ids is not null || context.KeptIds is not null)
        {
            // Last: it gives up the right to join the others.
            JoinSteps.JoinOwner(program, context.DescriptorOf(context.Joined.First(static joined => joined.Key == NamespaceKind.Mount).Value));
        }

        if (context.Ids is not null)
        {
            program.Enter(SetupPhase.MapIds);
            IdentitySteps.BecomeRootInside(program);
        }

        // Joining the mount namespace made its root this process's own.
        program.Enter(SetupPhase.Protect);
        var paths = RootSteps.OpenPresent(program);
        paths.Open(context.WorkingDirectory, "open working directory", out var workingDirectory);
        program.Enter(SetupPhase.StandardStreams);
        if (context.Spec.Terminal is { } size)
        {
            HandoverSteps.AppendMessage(program, context, [StreamSteps.UseTerminal(program, paths, context.DescriptorOf(terminals), size, isConsole: false)]);
        }
        else
        {
            StreamSteps.UsePipes(program, context, paths, streams);
        }

        var attempts = ContainerProgram.AppendJob(program, context, proc: null, workingDirectory, execPipe: null);
        return new ContainerProgram(program.Build(), CloneFlags: 0, HasWorker: true, attempts, Init: null);
    }
}
