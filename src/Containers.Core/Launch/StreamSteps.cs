using System.Runtime.InteropServices;
using Containers.Interop;

namespace Containers.Launch;

/// <summary>Descriptors 0 to 2 of the job: always fresh pipes or a terminal of the container's own, never anything of the host's.</summary>
internal static class StreamSteps
{
    private const int UnlockTerminal = 0x40045431; // TIOCSPTLCK
    private const int GetTerminalPeer = 0x5441; // TIOCGPTPEER
    private const int SetControllingTerminal = 0x540e; // TIOCSCTTY
    private const int SetWindowSize = 0x5414; // TIOCSWINSZ

    /// <summary>
    /// Makes the pipes the job's own, so that it can open them anew (/dev/stdout). In a user namespace this has to be done before the
    /// host's rights are given up.
    /// </summary>
    public static void Give(ProgramBuilder program, LaunchContext context, JobStreams streams)
    {
        var (user, group) = context.Ids is { Lease.Range: var range }
            ? (range.ToHost(context.User.UserId), range.ToHost(context.User.GroupId))
            : (context.User.UserId, context.User.GroupId);
        foreach (var stream in (ReadOnlySpan<FileDescriptor?>)[streams.Input, streams.Output, streams.Error])
        {
            if (stream is not null)
            {
                program.Call(SystemCall.ChangeOwnerFd, "give to the job", "its standard streams", context.DescriptorOf(stream), user, group);
            }
        }
    }

    /// <summary>Pipes that came with the request; input is the container's own /dev/null where none was given.</summary>
    public static void UsePipes(ProgramBuilder program, LaunchContext context, RootPaths paths, JobStreams streams)
    {
        Argument source;
        if (context.DescriptorOfOptional(streams.Input) is { } pipe)
        {
            source = pipe;
        }
        else
        {
            var none = program.NewCell();
            program.Call(SystemCall.OpenAt, "open for input", "/dev/null", paths.Root, program.Text("dev/null"), Libc.OpenReadOnly | Libc.OpenCloseOnExec).Into(none);
            source = none;
        }

        if (context.Ids is null && context.User.UserId != 0)
        {
            Give(program, context, streams);
        }

        Redirect(program, source, context.DescriptorOf(streams.Output!), context.DescriptorOf(streams.Error!));
    }

    /// <summary>
    /// A terminal of the container's own pts instance. Its slave comes from the master (TIOCGPTPEER), not from a path that the
    /// image could have prepared (CVE-2025-52565); that of the main process becomes /dev/console too. The master goes to the host.
    /// </summary>
    public static Cell UseTerminal(ProgramBuilder program, RootPaths paths, Argument pts, TerminalSize size, bool isConsole)
    {
        var master = program.NewCell();
        var slave = program.NewCell();
        program.Call(SystemCall.OpenAt, "open", "/dev/pts/ptmx", pts, program.Text("ptmx"),
            Libc.OpenReadWrite | Libc.OpenNoControllingTerminal | Libc.OpenCloseOnExec, 0).Into(master);
        program.Call(SystemCall.Ioctl, "unlock", "the terminal", master, UnlockTerminal, program.Bytes(stackalloc byte[4]));
        program.Call(SystemCall.Ioctl, "open the slave of", "the terminal", master, GetTerminalPeer,
            Libc.OpenReadWrite | Libc.OpenNoControllingTerminal | Libc.OpenCloseOnExec).Into(slave);
        ReadOnlySpan<ushort> window = [size.Rows, size.Columns, 0, 0];
        program.Call(SystemCall.Ioctl, "set the size of", "the terminal", master, SetWindowSize, program.Bytes(MemoryMarshal.AsBytes(window)));

        if (isConsole)
        {
            var console = program.NewCell();
            program.Call(SystemCall.OpenTree, "clone", "the terminal", slave, paths.Empty,
                Linux.OpenTreeClone | Libc.OpenCloseOnExec | Libc.AtEmptyPath).Into(console);
            var target = paths.OpenFile("/dev/console");
            paths.Attach(console, target, "attach the terminal to", "/dev/console");
        }

        Redirect(program, slave, slave, slave);
        program.Call(SystemCall.Ioctl, "take as controlling", "the terminal", 0, SetControllingTerminal, 0);
        return master;
    }

    private static void Redirect(ProgramBuilder program, Argument input, Argument output, Argument error)
    {
        program.Call(SystemCall.DuplicateTo, "set", "standard input", input, 0, 0);
        program.Call(SystemCall.DuplicateTo, "set", "standard output", output, 1, 0);
        program.Call(SystemCall.DuplicateTo, "set", "standard error", error, 2, 0);
    }
}
