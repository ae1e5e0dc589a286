namespace Containers.Networks;

/// <summary>A file of lines that two write: the engine some of them, a container the others.</summary>
internal static class ConfigurationLines
{
    /// <summary>
    /// Exchanges the engine's lines. What is the same before and after stays where it is, and so does every line that is not the engine's; new
    /// ones take the place of the first that goes, or the end, and one that is there already is not added.
    /// </summary>
    /// <param name="present">What the file has.</param>
    /// <param name="before">The engine's lines, as it wrote them last.</param>
    /// <param name="after">The engine's lines from now on.</param>
    public static string Exchange(string present, string before, string after)
    {
        var (old, @new, lines) = (Split(before), Split(after), Split(present));
        var going = old.Except(@new, StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);
        var place = lines.FindIndex(going.Contains);
        var staying = lines.Where(line => !going.Contains(line)).ToHashSet(StringComparer.Ordinal);
        var coming = @new.Except(old, StringComparer.Ordinal).Where(line => !staying.Contains(line)).ToList();
        if (going.Count == 0 && coming.Count == 0)
        {
            return present;
        }

        // Nothing that goes stands before the place.
        var at = place < 0 ? lines.Count : place;
        List<string> result = [.. lines.Take(at), .. coming, .. lines.Skip(at).Where(line => !going.Contains(line))];
        return string.Concat(result.Select(static line => line + "\n"));
    }

    private static List<string> Split(string text)
    {
        var lines = text.Split('\n').ToList();
        if (lines[^1].Length == 0)
        {
            lines.RemoveAt(lines.Count - 1);
        }

        return lines;
    }
}
