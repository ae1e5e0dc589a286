using System.Globalization;
using Containers.Interop;
using Containers.Launch;

namespace Containers.UserNamespaces;

/// <summary>
/// Makes user namespaces: a process of the launcher unshares one, this process maps its ids and opens it, and the other shows that a
/// container can be set up in it before it ends.
/// </summary>
internal static class NamespaceMaker
{
    /// <exception cref="ContainerException">It cannot be made, or no container could be set up in it; the message says why.</exception>
    public static FileDescriptor Make(FileDescriptor launcher, IdRange range)
    {
        using var program = Compile();
        using var memfd = program.ToMemfd();
        using var socket = LauncherSocket.CreatePair(out var launcherEnd);
        int pid;
        using (launcherEnd)
        {
            pid = LauncherProcess.Start(launcher, memfd, launcherEnd);
        }

        FileDescriptor? made = null;
        try
        {
            Await(socket, program, memfd);
            Map(pid, "uid_map", range);
            Map(pid, "gid_map", range);
            made = Libc.Open(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/ns/user"), Libc.OpenReadOnly | Libc.OpenCloseOnExec);
            if (made.IsInvalid)
            {
                throw new ContainerException("open the user namespace", null, ErrnoNames.Last);
            }

            socket.Send(default, []);
            Await(socket, program, memfd);
            return made;
        }
        catch
        {
            made?.Dispose();
            throw;
        }
        finally
        {
            // With its socket's other end gone it reads the end of file, and ends.
            socket.Dispose();
            LauncherProcess.Reap(pid);
        }
    }

    private static SyscallProgram Compile()
    {
        var program = new ProgramBuilder();
        program.Enter(SetupPhase.Isolate);
        program.Call(SystemCall.Prctl, "become non-dumpable", null, Linux.PrSetDumpable, 0);
        program.Call(SystemCall.CloseRange, "close inherited descriptors", null, LauncherFormat.SocketDescriptor + 1, uint.MaxValue, 0);
        program.Call(SystemCall.Unshare, "make", "the user namespace", (long)Linux.CloneNewUser);
        GuardianProgram.AppendMessage(program, LauncherMessageKind.Ready, 0, []);
        program.Call(SystemCall.Read, "wait for", "its ids", LauncherFormat.SocketDescriptor, (long)program.Reserve(64), 64);

        // Where parts of the host's /proc are covered, as inside another container, no user namespace gets one of its own.
        var pid = program.NewCell();
        var child = new Jump();
        program.Call(SystemCall.Clone3, "clone into namespaces of", "the user namespace",
            program.Structure(new Linux.CloneArguments { Flags = Linux.CloneNewMount | Linux.CloneNewPid, ExitSignal = Linux.SignalChild }), Linux.CloneArguments.Size).Into(pid);
        program.JumpIfZero(pid, child);
        program.Call(SystemCall.WaitForChild, "wait for", "the trial", pid, 0, 0, 0);
        program.Call(SystemCall.ExitGroup, "end", null, 0);
        program.Land(child);
        program.EnterBranch(SetupPhase.BuildRoot);
        MountCalls.Make(program, "proc", 0);
        GuardianProgram.AppendMessage(program, LauncherMessageKind.Ready, 1, []);
        return program.Build();
    }

    private static void Await(LauncherSocket socket, SyscallProgram program, FileDescriptor memfd)
    {
        if (!socket.TryReceive(wait: true, out _, [], out _))
        {
            throw LaunchFailure.Explain(program, ProgramStatus.Load(memfd), [])
                ?? new ContainerException("make the user namespace", null, Errno.None, "Its first process ended at once; the kernel log may say why.");
        }
    }

    private static unsafe void Map(int pid, string name, IdRange range)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/{name}");
        var line = System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"0 {range.First} {range.Count}\n"));
        using var file = Libc.Open(path, Libc.OpenWriteOnly | Libc.OpenCloseOnExec);
        fixed (byte* start = line)
        {
            if (file.IsInvalid || Libc.Write(file, start, (nuint)line.Length) != line.Length)
            {
                throw new ContainerException("map the ids in", path, ErrnoNames.Last,
                    "Root needs CAP_SETUID and CAP_SETGID for it, and the ids must be mapped in this process's own user namespace (/proc/self/uid_map).");
            }
        }
    }
}
