using System.Globalization;

namespace Containers.UserNamespaces;

/// <summary>What the administrator gave to users (subuid(5), subgid(5)): <c>owner:first:count</c>, a line each. What is malformed gives nothing.</summary>
internal static class SubordinateIdFile
{
    public const string Users = "/etc/subuid";
    public const string Groups = "/etc/subgid";

    public static IEnumerable<(string Owner, IdRange Range)> Read(string path)
    {
        foreach (var line in File.Exists(path) ? File.ReadAllLines(path) : [])
        {
            var fields = line.Split(':');
            if (fields.Length == 3 && uint.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var first) &&
                uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0)
            {
                yield return (fields[0], new IdRange(first, count));
            }
        }
    }
}
