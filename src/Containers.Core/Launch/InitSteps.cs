using System.Runtime.InteropServices;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>The init above a job: forked apart from it at the end of set-up, and run from a file of its own.</summary>
internal static class InitSteps
{
    private const int ProgramDescriptor = LauncherFormat.ProgramDescriptor;
    private const int ReadyDescriptor = 4;
    private const int ImageDescriptor = 5;

    /// <summary>CAP_KILL: all an init needs, to pass signals on to a job of another user.</summary>
    private const int CapabilityKill = 5;

    /// <summary>The job goes on here; the init branches off to what <see cref="AppendInit"/> adds.</summary>
    public static InitPlan Fork(ProgramBuilder program, LaunchContext context)
    {
        using var compiled = CompileInit();
        var plan = new InitPlan(compiled.ToMemfd(), LauncherImage.Create(context.ScratchDirectory, isPrivate: true), program.NewCell(), program.NewCell(), new Jump(), new Jump());
        plan.ProgramNumber = context.DescriptorOf(plan.Program);
        plan.ImageNumber = context.DescriptorOf(plan.Image);

        program.Call(SystemCall.EventFd, "make the signal of", "the init", 0, Libc.OpenCloseOnExec).Into(plan.Ready);
        program.Call(SystemCall.CloneProcess, "clone the job", null, (long)Linux.SignalChild, 0, 0, 0, 0).Into(plan.JobPid);
        program.JumpIfZero(plan.JobPid, plan.Job);
        program.Add(StepOperation.JumpIfZero, "branch", null, 0).OrJumpTo(plan.Init);
        program.Land(plan.Job);

        // The job starts only when the init above it is out of its reach: while it executes its own file it could be read.
        program.Call(SystemCall.Read, "wait for", "the init", plan.Ready, (long)program.Reserve(8), 8);
        return plan;
    }

    /// <summary>The init's end of the program: its file, the eventfd and its own program stay open, and one capability.</summary>
    public static void AppendInit(ProgramBuilder program, LaunchContext context, InitPlan plan)
    {
        program.Land(plan.Init);
        program.EnterBranch(SetupPhase.StandardStreams);
        program.Call(SystemCall.WriteAt, "tell the init", "its job", plan.ProgramNumber, (long)plan.JobPid.Address, 8, LauncherFormat.SharedCellsOffset);
        if (context.Spec.WithoutNamespaces || context.Spec.Namespaces.Pid.Mode != NamespaceMode.Private)
        {
            // It is not PID 1, to whom orphans come by themselves.
            program.Call(SystemCall.Prctl, "adopt", "orphans", Linux.PrSetChildSubreaper, 1);
        }

        var none = program.NewCell();
        program.Call(SystemCall.OpenAt, "open", "/dev/null", Libc.AtFdCwd, program.Text("/dev/null"), Libc.OpenReadWrite | Libc.OpenCloseOnExec, 0).Into(none);
        for (var fd = 0; fd <= 2; fd++)
        {
            program.Call(SystemCall.DuplicateTo, "silence the init's", "standard streams", none, fd, 0);
        }

        // Its image could stand where the eventfd goes, so each moves to its place from the top down.
        program.Call(SystemCall.DuplicateTo, "place", "the init's image", plan.ImageNumber, HighDescriptor + 2, Libc.OpenCloseOnExec);
        program.Call(SystemCall.DuplicateTo, "place", "the init's signal", plan.Ready, HighDescriptor + 1, Libc.OpenCloseOnExec);
        program.Call(SystemCall.DuplicateTo, "place", "the init's program", plan.ProgramNumber, HighDescriptor, Libc.OpenCloseOnExec);
        program.Call(SystemCall.DuplicateTo, "place", "the init's image", HighDescriptor + 2, ImageDescriptor, Libc.OpenCloseOnExec);
        program.Call(SystemCall.DuplicateTo, "place", "the init's signal", HighDescriptor + 1, ReadyDescriptor, 0);
        program.Call(SystemCall.DuplicateTo, "place", "the init's program", HighDescriptor, ProgramDescriptor, 0);
        program.Enter(SetupPhase.BoundingSet);
        if (context.MayDropBoundingSet)
        {
            IdentitySteps.DropBoundingSet(program, context.LastCapability, 1UL << CapabilityKill);
        }

        program.Enter(SetupPhase.Capabilities);
        IdentitySteps.SetCapabilities(program, (1UL << CapabilityKill) & context.HostCapabilities);
        program.Enter(SetupPhase.NoNewPrivileges);
        IdentitySteps.SetNoNewPrivileges(program);
        program.Enter(SetupPhase.CloseDescriptors);
        program.Call(SystemCall.CloseRange, "close every other descriptor", null, ImageDescriptor + 1, uint.MaxValue, 0);
        program.Enter(SetupPhase.Execute);
        program.Call(SystemCall.ExecveAt, "execute the init", null, ImageDescriptor, program.Text(string.Empty), program.TextArray(["init"]), program.TextArray([]), Libc.AtEmptyPath);
    }

    private const int HighDescriptor = 200;

    private static SyscallProgram CompileInit()
    {
        var program = new ProgramBuilder();
        var job = program.NewSharedCell().Cell;
        program.Call(SystemCall.Prctl, "become non-dumpable", null, Linux.PrSetDumpable, 0);
        program.Call(SystemCall.Prctl, "name the init", null, Linux.PrSetName, program.Text("init"));
        ReadOnlySpan<ulong> one = [1];
        program.Call(SystemCall.Write, "let the job start", null, ReadyDescriptor, program.Bytes(MemoryMarshal.AsBytes(one)), 8);
        program.Call(SystemCall.CloseRange, "close every descriptor", null, ProgramDescriptor, uint.MaxValue, 0);
        program.Add(StepOperation.Reap, "reap", null, job);
        return program.Build();
    }
}

/// <summary>An init being compiled; its program stays with the host, which reads the job's wait status there.</summary>
internal sealed class InitPlan(FileDescriptor program, FileDescriptor image, Cell ready, Cell jobPid, Jump job, Jump init) : IDisposable
{
    public FileDescriptor Program => program;

    public FileDescriptor Image => image;

    public Cell Ready => ready;

    public Cell JobPid => jobPid;

    public Jump Job => job;

    public Jump Init => init;

    public int ProgramNumber { get; set; }

    public int ImageNumber { get; set; }

    public void Dispose()
    {
        program.Dispose();
        image.Dispose();
    }
}
