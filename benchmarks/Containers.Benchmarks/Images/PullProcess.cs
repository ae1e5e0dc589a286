namespace Containers.Benchmarks.Images;

/// <summary>What is started anew for each pull, so that time and memory are those of a program that does nothing else.</summary>
internal static class PullProcess
{
    public static async Task RunAsync(string directory, string reference)
    {
        using (var store = new ImageStore(new ImageStoreOptions { Directory = Path.Combine(directory, "store") }))
        {
            await store.PullAsync(reference);
        }

        // VmHWM, proc_pid_status(5): the most physical memory that this process had.
        await Console.Out.WriteLineAsync(File.ReadLines("/proc/self/status").First(static line => line.StartsWith("VmHWM", StringComparison.Ordinal)));
    }
}
