using System.Text;

namespace Containers.Netlink;

/// <summary>What an interface may be called (dev_valid_name() of the kernel, and what else would go wrong).</summary>
internal static class InterfaceName
{
    /// <summary>IFNAMSIZ without the closing NUL.</summary>
    public const int LongestBytes = 15;

    /// <summary>Returns the name where it can be one.</summary>
    /// <exception cref="NetworkException">It cannot be one; the message says why.</exception>
    public static string Check(string name) => Reason(name) is { } reason ? throw new NetworkException("name an interface", $"\"{name}\"", reason) : name;

    private static string? Reason(string name)
    {
        if (name.Length == 0)
        {
            return "A name has at least one character.";
        }

        if (Encoding.UTF8.GetByteCount(name) > LongestBytes)
        {
            return $"A name has at most {LongestBytes} bytes, and this one {Encoding.UTF8.GetByteCount(name)}.";
        }

        if (name is "." or ".." or "all" or "default")
        {
            // The latter two are directories of settings for every interface at once.
            return "This word means something else where the kernel keeps settings of interfaces.";
        }

        foreach (var character in name)
        {
            // '%' makes the kernel take the name for a pattern.
            if (character is '/' or ':' or '%' or '\0' || char.IsWhiteSpace(character) || char.IsControl(character))
            {
                return "A name has no space, slash, colon, percent sign or control character.";
            }
        }

        return null;
    }
}
