using System.Text;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>The program of an engine's first process: it becomes, or rather forks, the guardian.</summary>
internal static class GuardianProgram
{
    /// <summary>
    /// Compiles it. As an ordinary user the guardian also gets a user namespace, in which it and nothing outside it has
    /// every capability; there the caller's own id is 0.
    /// </summary>
    /// <param name="kind">What it gives to those below.</param>
    /// <param name="rootless">It gets a user namespace.</param>
    /// <param name="userId">The caller's.</param>
    /// <param name="groupId">The caller's.</param>
    /// <param name="mappedFromOutside">The host maps the ids.</param>
    public static SyscallProgram Compile(GuardianKind kind, bool rootless, uint userId, uint groupId, bool mappedFromOutside)
    {
        var program = new ProgramBuilder();
        program.Enter(SetupPhase.Isolate);

        // First of all: nobody in a container may read, trace or take descriptors from the guardian or its children
        // (CVE-2016-9962), and nothing of the host that leaked past close-on-exec stays open (CVE-2024-21626).
        if (!rootless)
        {
            program.Call(SystemCall.Prctl, "become non-dumpable", null, Linux.PrSetDumpable, 0);
        }

        program.Call(SystemCall.CloseRange, "close inherited descriptors", null, LauncherFormat.SocketDescriptor + 1, uint.MaxValue, 0);
        program.Call(SystemCall.NewSession, "start a session", null);
        IdentitySteps.JoinFreshKeyring(program);
        InheritedSteps.Reset(program);
        program.Call(SystemCall.SetUmask, "clear the umask", null, 0);
        program.Call(SystemCall.ChangeDirectory, "change directory to", "/", program.Text("/"));
        program.Call(SystemCall.Prctl, "name the guardian", null, Linux.PrSetName, program.Text("containers-init"));

        var pidfd = program.Reserve(8);
        var pid = program.NewCell();
        if (kind == GuardianKind.Plain)
        {
            // Filters of other sandboxes hide clone3, whose flags they cannot see.
            program.Call(SystemCall.CloneProcess, "clone the guardian", null, (long)(Linux.ClonePidfd | Linux.SignalChild), 0, (long)pidfd, 0, 0).Into(pid);
        }
        else
        {
            program.Call(SystemCall.Clone3, "clone the guardian", null,
                program.Structure(new Linux.CloneArguments
                {
                    Flags = (kind == GuardianKind.Own ? Linux.CloneNewPid : 0) | Linux.ClonePidfd | (rootless ? Linux.CloneNewUser : 0),
                    Pidfd = pidfd,
                    ExitSignal = Linux.SignalChild,
                }),
                Linux.CloneArguments.Size).Into(pid);
        }

        var child = new Jump();
        program.JumpIfZero(pid, child);
        AppendMessage(program, LauncherMessageKind.Ready, 0, [new Cell(pidfd)]);
        program.Call(SystemCall.ExitGroup, "leave the guardian alone", null, 0);

        program.Land(child);
        if (rootless)
        {
            program.EnterBranch(SetupPhase.MapIds);
            if (mappedFromOutside)
            {
                program.Call(SystemCall.Read, "wait for", "the ids", LauncherFormat.SocketDescriptor, (long)program.Reserve(64), 64);
            }
            else
            {
                WriteFile(program, "/proc/self/setgroups", "deny");
                WriteFile(program, "/proc/self/uid_map", $"0 {userId} 1");
                WriteFile(program, "/proc/self/gid_map", $"0 {groupId} 1");
            }

            // Only now: the maps of a non-dumpable process belong to the real root.
            program.Call(SystemCall.Prctl, "become non-dumpable", null, Linux.PrSetDumpable, 0);
        }

        if (kind != GuardianKind.Own)
        {
            program.Call(SystemCall.Prctl, "adopt", "orphans", Linux.PrSetChildSubreaper, 1);
        }

        AppendMessage(program, LauncherMessageKind.Ready, 1, []);
        program.Add(StepOperation.Serve, "serve the engine", null, LauncherFormat.SocketDescriptor);
        return program.Build();
    }

    /// <summary>Appends a message to the host, with these descriptors and, where it tells of one, a process id.</summary>
    public static void AppendMessage(ProgramBuilder program, LauncherMessageKind kind, uint id, ReadOnlySpan<Argument> descriptors, Cell? pid = null)
    {
        var body = program.Structure(new LauncherMessage { Kind = kind, Id = id });
        if (pid is { } number)
        {
            program.Add(StepOperation.Copy32, "report a process", null, (long)(body.Value + LauncherMessage.PidOffset), number);
        }

        var part = program.Structure(new Linux.IoVector { Base = body.Value, Length = LauncherMessage.Size });
        ulong control = 0;
        ulong controlLength = 0;
        if (!descriptors.IsEmpty)
        {
            var length = 16 + (descriptors.Length * sizeof(int));
            controlLength = (ulong)((length + 7) & ~7);
            control = program.Structure(new Libc.ControlHeader { Length = (ulong)length, Level = Libc.SocketLevel, Type = Libc.ScmRights }).Value;
            var numbers = program.Reserve(descriptors.Length * sizeof(int));
            for (var i = 0; i < descriptors.Length; i++)
            {
                program.Add(StepOperation.Copy32, "hand over a descriptor", null, (long)(numbers + ((ulong)i * sizeof(int))), descriptors[i]);
            }
        }

        var header = program.Structure(new Linux.MessageHeader { Parts = part.Value, PartCount = 1, Control = control, ControlLength = controlLength });
        program.Call(SystemCall.SendMessage, "report to the host", null, LauncherFormat.SocketDescriptor, header, Libc.MessageNoSignal);
    }

    /// <summary>Appends the writing of a short kernel file by its path in the present root.</summary>
    public static void WriteFile(ProgramBuilder program, string path, string content)
    {
        var fd = program.NewCell();
        program.Call(SystemCall.OpenAt, "open", path, Libc.AtFdCwd, program.Text(path), Libc.OpenWriteOnly | Libc.OpenCloseOnExec).Into(fd);
        var bytes = Encoding.UTF8.GetBytes(content);
        program.Call(SystemCall.Write, $"write \"{content}\" to", path, fd, program.Bytes(bytes), bytes.Length);
        program.Call(SystemCall.Close, "close", path, fd);
    }
}
