namespace Containers.Specification.Rules;

/// <summary>Host and domain names: what sethostname(2) takes and /etc/hosts can hold.</summary>
internal static class HostName
{
    /// <summary>__NEW_UTS_LEN (linux/utsname.h).</summary>
    private const int MaxLength = 64;

    public static string Require(string? name, string parameter)
    {
        ArgumentNullException.ThrowIfNull(name, parameter);
        if (name.Length is 0 or > MaxLength)
        {
            throw new ArgumentException($"A host or domain name has 1 to {MaxLength} characters; this one has {name.Length}.", parameter);
        }

        foreach (var range in name.AsSpan().Split('.'))
        {
            if (!IsLabel(name.AsSpan(range)))
            {
                throw new ArgumentException(
                    $"'{Printable.Shorten(name)}' is not a host name: use letters, digits, hyphens and dots, " +
                    "with no hyphen or dot at an end.",
                    parameter);
            }
        }

        return name;
    }

    private static bool IsLabel(ReadOnlySpan<char> label)
    {
        if (label.IsEmpty || label[0] == '-' || label[^1] == '-')
        {
            return false;
        }

        foreach (var c in label)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '-')
            {
                return false;
            }
        }

        return true;
    }
}
