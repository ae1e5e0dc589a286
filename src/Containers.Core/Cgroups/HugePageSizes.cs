using System.Globalization;

namespace Containers.Cgroups;

/// <summary>The sizes of huge pages as the hugetlb controller's files are named after them: <c>2MB</c>, <c>1GB</c>.</summary>
internal static class HugePageSizes
{
    private const string Directory = "/sys/kernel/mm/hugepages";
    private const string Prefix = "hugepages-";
    private const string Unit = "kB";
    private const long KilobytesInMegabyte = 1024;
    private const long KilobytesInGigabyte = 1024 * 1024;

    public static IReadOnlyList<string> OfThisHost()
    {
        var sizes = new List<string>();
        if (!System.IO.Directory.Exists(Directory))
        {
            return sizes;
        }

        foreach (var directory in System.IO.Directory.EnumerateDirectories(Directory))
        {
            var name = Path.GetFileName(directory);
            if (name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Unit, StringComparison.Ordinal) &&
                long.TryParse(
                    name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Unit.Length),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out var kilobytes))
            {
                sizes.Add(Name(kilobytes));
            }
        }

        return sizes;
    }

    // mem_fmt() of mm/hugetlb_cgroup.c.
    private static string Name(long kilobytes) => kilobytes switch
    {
        >= KilobytesInGigabyte => $"{kilobytes / KilobytesInGigabyte}GB",
        >= KilobytesInMegabyte => $"{kilobytes / KilobytesInMegabyte}MB",
        _ => $"{kilobytes}KB",
    };
}
