using Containers.Benchmarks.Contenders;

namespace Containers.Benchmarks;

/// <summary>What one running container costs the process that runs it.</summary>
internal sealed record HostCost(double ManagedBytes, double Descriptors, double Threads, double ExtraProcesses)
{
    private const int Containers = 20;

    public static async Task<HostCost> MeasureAsync(Subject subject)
    {
        // The first one pays for what the engine makes once: its thread, its guardian, its tables.
        await using IAsyncDisposable first = await subject.StartAsync();
        HostCost before = Snapshot();
        var running = new List<IAsyncDisposable>();
        try
        {
            for (int i = 0; i < Containers; i++)
            {
                running.Add(await subject.StartAsync());
            }

            HostCost after = Snapshot();
            return new HostCost(
                (after.ManagedBytes - before.ManagedBytes) / Containers,
                (after.Descriptors - before.Descriptors) / Containers,
                (after.Threads - before.Threads) / Containers,
                ((after.ExtraProcesses - before.ExtraProcesses) / Containers) - 1);
        }
        finally
        {
            foreach (IAsyncDisposable container in running)
            {
                await container.DisposeAsync();
            }
        }
    }

    private static HostCost Snapshot() => new(
        GC.GetTotalMemory(forceFullCollection: true),
        Directory.GetFileSystemEntries("/proc/self/fd").Length,
        Directory.GetDirectories("/proc/self/task").Length,
        ProcessesBelow());

    /// <summary>Processes in PID namespaces below this one (proc_pid_status(5), NSpid): they are the guardian's children, not ours.</summary>
    private static int ProcessesBelow() => Directory.EnumerateDirectories("/proc")
        .Count(static directory => char.IsAsciiDigit(Path.GetFileName(directory)[0]) && IsBelow(directory + "/status"));

    private static bool IsBelow(string status)
    {
        try
        {
            return File.ReadLines(status).Any(static line => line.StartsWith("NSpid:", StringComparison.Ordinal) && line.Split('\t').Length > 2);
        }
        catch (IOException)
        {
            return false; // it ended meanwhile
        }
    }
}
