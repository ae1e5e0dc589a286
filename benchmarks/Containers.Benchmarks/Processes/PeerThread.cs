using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Containers.Benchmarks.Fixtures;
using Containers.Interop;

namespace Containers.Benchmarks.Processes;

/// <summary>
/// The thread all peers are started from. It has a mount namespace of its own, in which a hybrid cgroup layout has lost its unified
/// mount (crun 1.8 refuses hybrid ones); what it spawns starts there, so no program of ours stands between the clock and the peer.
/// The namespace goes with the thread.
/// </summary>
internal sealed unsafe class PeerThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;
    private readonly FileDescriptor _null = Libc.Open("/dev/null", Libc.OpenReadWrite | Libc.OpenCloseOnExec);

    public PeerThread(CgroupLayout layout)
    {
        _thread = new Thread(() =>
        {
            foreach (Action action in _work.GetConsumingEnumerable())
            {
                action();
            }
        })
        { IsBackground = true, Name = "peers" };
        _thread.Start();
        Invoke(() =>
        {
            Check(Posix.Unshare(Posix.CloneNewNamespace), "unshare the mount namespace");
            Check(Posix.Mount(null, "/", null, Posix.MountRecursive | Posix.MountPrivate, null), "make mounts private");
            if (layout.HybridMount is { } unified)
            {
                Check(Posix.Unmount(unified, Posix.UnmountDetach), $"unmount {unified}");
            }

            return 0;
        });
    }

    /// <summary>Runs a command to its end with its streams on /dev/null; microseconds from the spawn to its being reaped.</summary>
    public double Time(NativeCommand command) => Invoke(() =>
    {
        long start = Stopwatch.GetTimestamp();
        int pid = command.Start(_null.Number, _null.Number, _null.Number);
        int status = Wait(pid);
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        return status == 0 ? elapsed : throw new BenchmarkException($"{command.Name} failed: wait status 0x{status:x}");
    });

    /// <summary>Runs a command and returns what it wrote, for everything that is not timed.</summary>
    public (int Status, string Output) Capture(params string[] arguments)
    {
        string path = Path.GetTempFileName();
        try
        {
            int status = Invoke(() =>
            {
                using var command = new NativeCommand(arguments);
                using FileDescriptor output = Libc.Open(path, Libc.OpenWriteOnly | Libc.OpenTruncate | Libc.OpenCloseOnExec);
                return Wait(command.Start(_null.Number, output.Number, output.Number));
            });
            return (status, File.ReadAllText(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Runs a command that has to succeed.</summary>
    public string Require(params string[] arguments)
    {
        (int status, string output) = Capture(arguments);
        return status == 0 ? output : throw new BenchmarkException($"{string.Join(' ', arguments)} failed:\n{output}");
    }

    public static int Wait(int pid)
    {
        int status;
        while (Posix.WaitPid(pid, &status, 0) < 0)
        {
            const int interrupted = 4;
            int errno = Marshal.GetLastPInvokeError();
            if (errno != interrupted)
            {
                throw new BenchmarkException($"waiting for process {pid} failed, errno {errno}");
            }
        }

        return status;
    }

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
        _null.Dispose();
    }

    private static void Check(int result, string step)
    {
        if (result < 0)
        {
            throw new BenchmarkException($"{step} failed, errno {Marshal.GetLastPInvokeError()}; run as root");
        }
    }

    private T Invoke<T>(Func<T> function)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                completion.SetResult(function());
            }
            catch (Exception exception)
            {
                completion.SetException(exception);
            }
        });
        return completion.Task.GetAwaiter().GetResult();
    }
}
