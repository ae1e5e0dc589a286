using Containers.Specification.Rules;

namespace Containers.Networks;

/// <summary>Names that a container may have in a network: what /etc/hosts and an answer of DNS can hold, with the underscore that people write.</summary>
internal static class NetworkAlias
{
    private const int LongestName = 253;
    private const int LongestLabel = 63;

    public static string Require(string? name, string parameter)
    {
        ArgumentNullException.ThrowIfNull(name, parameter);
        if (name.Length is 0 or > LongestName)
        {
            throw new ArgumentException($"A name has 1 to {LongestName} characters; this one has {name.Length}.", parameter);
        }

        foreach (var range in name.AsSpan().Split('.'))
        {
            if (!IsLabel(name.AsSpan(range)))
            {
                throw new ArgumentException(
                    $"'{Printable.Shorten(name)}' is not a name in a network: use letters, digits, hyphens, underscores and dots, with at most {LongestLabel} characters between dots and no hyphen or dot at an end.",
                    parameter);
            }
        }

        return name;
    }

    private static bool IsLabel(ReadOnlySpan<char> label)
    {
        if (label.Length is 0 or > LongestLabel || label[0] == '-' || label[^1] == '-')
        {
            return false;
        }

        foreach (var c in label)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
            {
                return false;
            }
        }

        return true;
    }
}
