namespace Containers.Tests.Running;

/// <summary>What containers could leave behind in and below this process.</summary>
internal sealed record HostState(int Descriptors, int Threads, int Mounts, int Cgroups, int Children)
{
    public static HostState Take() => new(
        Directory.GetFileSystemEntries("/proc/self/fd").Length,
        ThreadsOfOurs(),
        File.ReadAllLines("/proc/self/mountinfo").Length,
        Cgroup().Count(),
        Descendants());

    /// <summary>Descriptors of handles that wait for their finalizer count as left behind only when they stay.</summary>
    public static async Task AssertUnchangedAsync(HostState before)
    {
        HostState now;
        var attempts = 50;
        while ((now = Take()).IsAbove(before) && attempts-- > 0)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Delay(100, CancellationToken.None);
        }

        Assert.False(now.IsAbove(before), $"before {before}, now {now}: {string.Join(' ', Cgroup().Take(3))}");
    }

    private bool IsAbove(HostState before) => Descriptors > before.Descriptors || Threads > before.Threads || Mounts > before.Mounts ||
        Cgroups > before.Cgroups || Children > before.Children;

    /// <summary>The runtime's own threads come and go; the engine's are named.</summary>
    private static int ThreadsOfOurs() => Directory.GetDirectories("/proc/self/task")
        .Count(static task => ReadOrEmpty(task + "/comm").StartsWith("containers-", StringComparison.Ordinal));

    /// <summary>The groups of containers have the names of their ids.</summary>
    private static IEnumerable<string> Cgroup() => Directory.Exists("/sys/fs/cgroup")
        ? Directory.EnumerateDirectories("/sys/fs/cgroup", "????????????????????????????????????????????????????????????????",
            new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint })
        : [];

    private static int Descendants()
    {
        var parents = new Dictionary<string, string>();
        foreach (var process in Directory.GetDirectories("/proc"))
        {
            if (char.IsAsciiDigit(Path.GetFileName(process)[0]) && ReadOrEmpty(process + "/stat") is { Length: > 0 } stat)
            {
                parents[Path.GetFileName(process)] = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1];
            }
        }

        var self = Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return parents.Keys.Count(pid => IsBelow(pid));

        bool IsBelow(string pid) => parents.TryGetValue(pid, out var parent) && (parent == self || IsBelow(parent));
    }

    private static string ReadOrEmpty(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return string.Empty;
        }
    }
}

/// <summary>Tests that look at the whole process run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class WholeHost
{
    public const string Name = "Whole host";
}
