namespace Containers.Benchmarks.Processes;

/// <summary>Finds programs; root's PATH does not always have the directories runtimes are installed in.</summary>
internal static class ProgramPath
{
    private static readonly string[] Directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    public static string? Find(string name)
    {
        if (Path.IsPathRooted(name))
        {
            return File.Exists(name) ? name : null;
        }

        return Directories.Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);
    }
}
