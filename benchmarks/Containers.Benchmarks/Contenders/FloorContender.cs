using System.Globalization;
using Containers.Benchmarks.Fixtures;
using Containers.Benchmarks.Processes;
using Containers.Interop;
using Microsoft.Win32.SafeHandles;

namespace Containers.Benchmarks.Contenders;

/// <summary>The C program in eng/floor: it stays running and does one container for each line it is sent, timing itself.</summary>
internal sealed class FloorContender : IContender
{
    private readonly StreamWriter _requests;
    private readonly StreamReader _times;
    private readonly NativeCommand _command;
    private readonly int _pid;

    public FloorContender(string program, BusyboxRoot root)
    {
        _command = new NativeCommand(program, root.Path, root.SubDirectory("floor-state"), "--serve");
        (SafeFileHandle requestsForFloor, SafeFileHandle requests) = Pipe();
        (SafeFileHandle times, SafeFileHandle timesOfFloor) = Pipe();
        const int standardError = 2;
        _pid = _command.Start((int)requestsForFloor.DangerousGetHandle(), (int)timesOfFloor.DangerousGetHandle(), standardError);
        requestsForFloor.Dispose();
        timesOfFloor.Dispose();
        _requests = new StreamWriter(new FileStream(requests, FileAccess.Write, bufferSize: 0)) { AutoFlush = true, NewLine = "\n" };
        _times = new StreamReader(new FileStream(times, FileAccess.Read, bufferSize: 0));
    }

    public string Name => "floor (C, same calls)";

    /// <summary>Compiles the floor and returns its path; null where there is no C compiler.</summary>
    public static string? Build(PeerThread peers, string repository, BusyboxRoot root)
    {
        if (ProgramPath.Find("gcc") is null)
        {
            return null;
        }

        string program = Path.Combine(root.Directory, "floor");
        peers.Require(Path.Combine(repository, "eng", "floor", "build.sh"), program);
        return program;
    }

    public ValueTask<double> RunAsync()
    {
        _requests.WriteLine();
        string answer = _times.ReadLine() ?? throw new BenchmarkException("the floor ended early; what it said is above");
        return new ValueTask<double>(double.Parse(answer, CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        // End of input is its order to leave.
        _requests.Dispose();
        _ = PeerThread.Wait(_pid);
        _times.Dispose();
        _command.Dispose();
    }

    private static unsafe (SafeFileHandle Read, SafeFileHandle Write) Pipe()
    {
        int* ends = stackalloc int[2];
        return Libc.Pipe2(ends, Libc.OpenCloseOnExec) == 0
            ? (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true))
            : throw new BenchmarkException("no pipe for the floor");
    }
}
