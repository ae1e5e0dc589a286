namespace Containers.Specification.Rules;

/// <summary>Names of containers, and of networks, by Docker's rule, which also makes them safe as names of directories and cgroups.</summary>
internal static class ContainerName
{
    private const int MaxLength = 128;

    /// <param name="name">The name.</param>
    /// <param name="parameter">The caller's.</param>
    /// <param name="of">Of what.</param>
    public static string Require(string? name, string parameter, string of = "container")
    {
        ArgumentNullException.ThrowIfNull(name, parameter);
        if (name.Length is < 2 or > MaxLength || !char.IsAsciiLetterOrDigit(name[0]) || !IsRest(name.AsSpan(1)))
        {
            throw new ArgumentException(
                $"'{Printable.Shorten(name)}' is no name of a {of}: 2 to {MaxLength} characters, [a-zA-Z0-9][a-zA-Z0-9_.-]+.",
                parameter);
        }

        return name;
    }

    private static bool IsRest(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-'))
            {
                return false;
            }
        }

        return true;
    }
}
