using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Containers.Interop;

/// <summary>Runs a program of the host to its end, without the runtime's own handling of children.</summary>
internal static unsafe class HelperProcess
{
    private const short PollIn = 1;
    private const short PollOut = 4;

    // An ended process's siginfo_t: si_code and si_status lie at these offsets on 64-bit machines.
    private const int CodeOffset = 8;
    private const int StatusOffset = 24;
    private const int CodeExited = 1;

    /// <summary>Runs it with no environment and no streams.</summary>
    /// <exception cref="ContainerException">It cannot be started.</exception>
    public static void Run(string path, params ReadOnlySpan<string> arguments) =>
        Launch.LauncherProcess.Reap(Spawn(path, arguments, [], input: null, output: null));

    /// <summary>
    /// Runs it with <paramref name="input"/> on its standard input and returns what it wrote to its standard output. Blocks a thread. It
    /// is killed when the time is over, when it writes too much, and when the caller cancels.
    /// </summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="arguments">After its name.</param>
    /// <param name="environment">As <c>NAME=value</c>.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="maxOutput">How many bytes it may write.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="ContainerException">It cannot be started, wrote too much or took too long.</exception>
    public static HelperOutput Run(
        string path, ReadOnlySpan<string> arguments, ReadOnlySpan<string> environment, ReadOnlySpan<byte> input, int maxOutput, TimeSpan limit, CancellationToken cancellationToken)
    {
        var toChild = Processes.JobPipe.ForInput();
        using var inputEnd = toChild.HostEnd;
        using var childInput = toChild.JobEnd;
        var fromChild = Processes.JobPipe.ForOutput();
        using var outputEnd = fromChild.HostEnd;
        using var childOutput = fromChild.JobEnd;
        var pid = Spawn(path, arguments, environment, childInput, childOutput);
        childInput.Dispose();
        childOutput.Dispose();

        // A child that has ended stays a zombie until it is reaped below, so that its id cannot have come to mean another by then.
        using var pidfd = PidFd.Open(pid);
        var isOver = false;
        try
        {
            var output = Talk(path, inputEnd, outputEnd, input, maxOutput, limit, cancellationToken);
            var deadline = Stopwatch.GetTimestamp() + (long)(limit.TotalSeconds * Stopwatch.Frequency);
            while (pidfd is not null && !WaitFor(pidfd.Number, PollIn))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (Stopwatch.GetTimestamp() > deadline)
                {
                    throw TookTooLong(path, limit);
                }
            }

            isOver = true;
            return new HelperOutput(Reap(pid), output);
        }
        finally
        {
            if (!isOver)
            {
                if (pidfd is not null)
                {
                    _ = PidFd.Signal(pidfd, (int)Signal.Kill);
                }

                inputEnd.Dispose();
                outputEnd.Dispose();
                Launch.LauncherProcess.Reap(pid);
            }
        }
    }

    private static byte[] Talk(
        string path, FileDescriptor toChild, FileDescriptor fromChild, ReadOnlySpan<byte> input, int maxOutput, TimeSpan limit, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var output = new byte[maxOutput + 1];
        var (sent, received) = (0, 0);
        if (input.IsEmpty)
        {
            toChild.Dispose();
        }

        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Stopwatch.GetElapsedTime(started) > limit)
            {
                throw TookTooLong(path, limit);
            }

            if (sent < input.Length)
            {
                sent += Send(toChild, input[sent..]);
                if (sent == input.Length)
                {
                    toChild.Dispose();
                }
            }

            nint count;
            fixed (byte* start = output)
            {
                count = Libc.Read(fromChild, start + received, (nuint)(output.Length - received));
            }

            if (count == 0)
            {
                return output[..received];
            }

            received += (int)Math.Max(0, count);
            if (received > maxOutput)
            {
                throw new ContainerException("run", path, Errno.None, $"It wrote more than {maxOutput} bytes.");
            }

            if (count < 0)
            {
                WaitFor(fromChild.Number, PollIn, sent < input.Length ? toChild.Number : -1);
            }
        }
    }

    /// <summary>How much of it the pipe took; all of it where nobody reads any more.</summary>
    private static int Send(FileDescriptor pipe, ReadOnlySpan<byte> input)
    {
        fixed (byte* start = input)
        {
            var count = Libc.Write(pipe, start, (nuint)input.Length);
            return count >= 0 ? (int)count : ErrnoNames.Last == Errno.EPIPE ? input.Length : 0;
        }
    }

    /// <summary>Waits a moment for either; whether the first is ready. The moment ends so that cancellation and the time are looked at.</summary>
    private static bool WaitFor(int fd, short events, int writable = -1)
    {
        const int Milliseconds = 50;
        var polled = stackalloc Libc.PollEntry[2];
        polled[0] = new Libc.PollEntry { Descriptor = fd, Events = events };
        polled[1] = new Libc.PollEntry { Descriptor = writable, Events = PollOut };
        return Libc.Poll(polled, 2, Milliseconds) > 0 && polled[0].Returned != 0;
    }

    private static ContainerException TookTooLong(string path, TimeSpan limit) => new("run", path, Errno.None, $"It did not end within {limit.TotalSeconds:0} s.");

    /// <summary>Its exit code; null where a signal ended it or something else in this process reaped it.</summary>
    private static int? Reap(int pid)
    {
        var info = stackalloc byte[128];
        while (Libc.WaitId(Libc.WaitPid, pid, info, Libc.WaitExited) != 0)
        {
            if (ErrnoNames.Last != Errno.EINTR)
            {
                return null;
            }
        }

        return *(int*)(info + CodeOffset) == CodeExited ? *(int*)(info + StatusOffset) : null;
    }

    /// <summary>Starts it with its standard error to nowhere, and input and output too where none are given.</summary>
    private static int Spawn(string path, ReadOnlySpan<string> arguments, ReadOnlySpan<string> environment, FileDescriptor? input, FileDescriptor? output)
    {
        var actions = stackalloc byte[Libc.SpawnStructureSize];
        var attributes = stackalloc byte[Libc.SpawnStructureSize];
        var signals = stackalloc byte[Libc.SignalSetSize];
        _ = Libc.SpawnFileActionsInit(actions);
        _ = Libc.SpawnAttributesInit(attributes);

        // The runtime ignores SIGPIPE, which goes through execve: there are programs that do not run so.
        new Span<byte>(signals, Libc.SignalSetSize).Fill(byte.MaxValue);
        _ = Libc.SpawnAttributesSetSignalDefault(attributes, signals);
        _ = Libc.SpawnAttributesSetFlags(attributes, Libc.SpawnSetSignalDefault);
        var words = new nint[arguments.Length + 2];
        var variables = new nint[environment.Length + 1];
        try
        {
            for (var fd = 0; fd <= 2; fd++)
            {
                _ = (fd, input, output) switch
                {
                    (0, not null, _) => Libc.SpawnFileActionsAddDup2(actions, input.Number, fd),
                    (1, _, not null) => Libc.SpawnFileActionsAddDup2(actions, output.Number, fd),
                    _ => Libc.SpawnFileActionsAddOpen(actions, fd, "/dev/null", Libc.OpenReadWrite, 0),
                };
            }

            words[0] = Marshal.StringToCoTaskMemUTF8(path);
            for (var i = 0; i < arguments.Length; i++)
            {
                words[i + 1] = Marshal.StringToCoTaskMemUTF8(arguments[i]);
            }

            for (var i = 0; i < environment.Length; i++)
            {
                variables[i] = Marshal.StringToCoTaskMemUTF8(environment[i]);
            }

            int pid;
            int error;
            fixed (nint* start = words, firstVariable = variables)
            {
                error = Libc.PosixSpawn(&pid, path, actions, attributes, (byte**)start, (byte**)firstVariable);
            }

            return error == 0 ? pid : throw new ContainerException("start", path, (Errno)error);
        }
        finally
        {
            foreach (var word in (ReadOnlySpan<nint>)[.. words, .. variables])
            {
                Marshal.FreeCoTaskMem(word);
            }

            _ = Libc.SpawnAttributesDestroy(attributes);
            _ = Libc.SpawnFileActionsDestroy(actions);
        }
    }
}
