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
        Descendants(Environment.ProcessId));

    private static int Descendants(int ancestor)
    {
        ILookup<int, int> children = Directory.EnumerateDirectories("/proc")
            .Select(directory => int.TryParse(Path.GetFileName(directory), out int pid) ? pid : 0)
            .Where(pid => pid > 0)
            .ToLookup(ParentOf);
        int count = 0;
        var pending = new Queue<int>([ancestor]);
        while (pending.TryDequeue(out int parent))
        {
            foreach (int child in children[parent])
            {
                count++;
                pending.Enqueue(child);
            }
        }

        return count;
    }

    private static int ParentOf(int pid)
    {
        try
        {
            // proc_pid_stat(5): the parent is the second word after the command, which may itself hold spaces and parentheses.
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1]);
        }
        catch (IOException)
        {
            return 0; // it ended meanwhile
        }
    }
}
