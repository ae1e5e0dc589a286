namespace Containers.Benchmarks.Fixtures;

/// <summary>Which cgroup hierarchies are mounted.</summary>
internal sealed record CgroupLayout(bool HasV1, string? UnifiedMount)
{
    /// <summary>The unified mount beside v1 hierarchies, if the layout is a hybrid one.</summary>
    public string? HybridMount => HasV1 ? UnifiedMount : null;

    public string Description => (HasV1, UnifiedMount) switch
    {
        (true, not null) => "v1, hybrid",
        (true, null) => "v1",
        (false, not null) => "v2",
        _ => "none",
    };

    public static CgroupLayout Detect()
    {
        bool v1 = false;
        string? unified = null;
        foreach (string line in File.ReadLines("/proc/self/mountinfo"))
        {
            // proc_pid_mountinfo(5): the file system type is the first word after the separator, the mount point the fifth word.
            int separator = line.IndexOf(" - ", StringComparison.Ordinal);
            if (separator < 0)
            {
                continue;
            }

            string type = line[(separator + 3)..].Split(' ')[0];
            v1 |= string.Equals(type, "cgroup", StringComparison.Ordinal);
            if (string.Equals(type, "cgroup2", StringComparison.Ordinal))
            {
                unified ??= line.Split(' ')[4];
            }
        }

        return new CgroupLayout(v1, unified);
    }
}
