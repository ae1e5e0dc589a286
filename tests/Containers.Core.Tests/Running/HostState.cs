namespace Containers.Tests.Running;

/// <summary>What containers could leave behind in and below this process.</summary>
internal sealed record HostState(int Descriptors, int Threads, int Mounts, int Cgroups, int Processes)
{
    public static HostState Take() => new(
        Directory.GetFileSystemEntries("/proc/self/fd").Count(static descriptor => !IsOfAnAssembly(descriptor)),
        ThreadsOfOurs(),
        File.ReadAllLines("/proc/self/mountinfo").Length,
        Cgroup().Count(),
        ProcessesBelow());

    /// <summary>As <see cref="Take"/>, once the default engine serves and keeps what it keeps for so many containers at a time, which is no leak.</summary>
    public static async Task<HostState> TakeServingAsync(int atATime = 1)
    {
        var containers = await Task.WhenAll(Enumerable.Range(0, atATime).Select(static _ => Job.InBusybox("exec sleep 60").StartAsync(Job.Token)));
        foreach (var container in containers)
        {
            await container.DisposeAsync();
        }

        return Take();
    }

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
        Cgroups > before.Cgroups || Processes > before.Processes;

    /// <summary>The runtime keeps two for each assembly, and loads one only when it is first needed.</summary>
    private static bool IsOfAnAssembly(string descriptor) => new FileInfo(descriptor).LinkTarget?.EndsWith(".dll", StringComparison.Ordinal) is true;

    /// <summary>The runtime's own threads come and go; the engine's are named.</summary>
    private static int ThreadsOfOurs() => Directory.GetDirectories("/proc/self/task")
        .Count(static task => ReadOrEmpty(task + "/comm").StartsWith("containers-", StringComparison.Ordinal));

    /// <summary>The groups of containers have the names of their ids.</summary>
    private static IEnumerable<string> Cgroup() => Directory.Exists("/sys/fs/cgroup")
        ? Directory.EnumerateDirectories("/sys/fs/cgroup", "????????????????????????????????????????????????????????????????",
            new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint })
        : [];

    /// <summary>Guardians and what lives below them: processes of PID namespaces below this one (proc_pid_status(5), NSpid).</summary>
    private static int ProcessesBelow() => Below().Count();

    /// <summary>Their names and states, to say what should not be there.</summary>
    public static string NamesBelow() => string.Join(", ", Below().Select(static process => string.Join(' ', ReadOrEmpty(process + "/stat").Split(' ').Take(3))));

    private static IEnumerable<string> Below() => Directory.GetDirectories("/proc").Where(static process => char.IsAsciiDigit(Path.GetFileName(process)[0]) &&
        ReadOrEmpty(process + "/status").Split('\n').Any(static line => line.StartsWith("NSpid:", StringComparison.Ordinal) && line.Split('\t').Length > 2));

    /// <summary>How many of them are so.</summary>
    public static int CountBelow(Func<string, bool> condition) => Below().Count(condition);

    /// <summary>Processes of this command line, whose arguments each end with a NUL.</summary>
    public static List<int> ProcessesOf(string commandLine) =>
    [
        .. Directory.GetDirectories("/proc").Where(process => char.IsAsciiDigit(Path.GetFileName(process)[0]) && ReadOrEmpty(process + "/cmdline") == commandLine)
            .Select(static process => int.Parse(Path.GetFileName(process), System.Globalization.CultureInfo.InvariantCulture)),
    ];

    public static string ReadOrEmpty(string path)
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
