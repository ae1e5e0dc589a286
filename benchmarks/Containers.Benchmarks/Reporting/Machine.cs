using System.Globalization;
using System.Runtime.InteropServices;
using Containers.Benchmarks.Fixtures;

namespace Containers.Benchmarks.Reporting;

/// <summary>What the figures were taken on.</summary>
internal static class Machine
{
    public static MarkdownTable Describe(CgroupLayout layout, string directory, IEnumerable<(string Name, string Version)> versions)
    {
        var table = new MarkdownTable("machine", string.Empty);
        table.Add("date", DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        table.Add("processor", Processor());
        table.Add("cores", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture));
        table.Add("kernel", $"{File.ReadAllText("/proc/sys/kernel/osrelease").Trim()} {RuntimeInformation.ProcessArchitecture}");
        table.Add("cgroups", layout.Description);
        table.Add("directory", $"{directory} ({new DriveInfo(directory).DriveFormat})");
        table.Add(".NET", Environment.Version.ToString());
        foreach ((string name, string version) in versions)
        {
            table.Add(name, version);
        }

        return table;
    }

    /// <summary>The repository that this program was built in.</summary>
    public static string Repository()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Containers.sln")))
            {
                return directory.FullName;
            }
        }

        throw new BenchmarkException("run from a build inside the repository: reports are written there, and eng/floor is compiled there");
    }

    private static string Processor() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            : RuntimeInformation.ProcessArchitecture.ToString();
}
