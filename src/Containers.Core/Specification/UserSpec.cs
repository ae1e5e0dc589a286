using System.Collections.Immutable;
using Containers.Specification.Rules;
using Containers.Users;

namespace Containers.Specification;

/// <summary>
/// The user as written, <c>uid</c>, <c>uid:gid</c>, <c>name</c> or <c>name:group</c>. Names are looked up in the
/// container's own /etc/passwd and /etc/group when it starts. What is all digits is an id, never a name.
/// </summary>
internal sealed record UserSpec(string User, string? Group, ImmutableArray<string> SupplementaryGroups)
{
    public static UserSpec Of(uint userId, uint groupId) => new(
        userId.ToString(System.Globalization.CultureInfo.InvariantCulture), groupId.ToString(System.Globalization.CultureInfo.InvariantCulture), []);

    /// <summary>Reads a user; throws <see cref="ArgumentException"/> in the name of <paramref name="parameter"/>.</summary>
    public static UserSpec Parse(string text, string parameter)
    {
        ArgumentNullException.ThrowIfNull(text, parameter);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0
            ? new UserSpec(IdOrName(text, parameter), null, [])
            : new UserSpec(IdOrName(text[..colon], parameter), IdOrName(text[(colon + 1)..], parameter), []);
    }

    /// <summary>
    /// An id without leading zeros, or a name. A name starts with an ASCII letter or underscore, so that no odd spelling
    /// of a number (<c>0x0</c>, <c>-1</c>, digits of other scripts) is ever looked up as one.
    /// </summary>
    public static string IdOrName(string text, string parameter)
    {
        ArgumentNullException.ThrowIfNull(text, parameter);
        if (AccountId.TryParse(text.AsSpan(), out var id))
        {
            return id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        if (!IsName(text))
        {
            throw new ArgumentException(
                $"'{Printable.Shorten(text)}' is neither an id from 0 to {AccountId.Max} nor a name of a user or group; " +
                "write a user as 1000, 1000:1000, name or name:group.",
                parameter);
        }

        return text;
    }

    private static bool IsName(string text)
    {
        const int maxLength = 256;
        if (text.Length is 0 or > maxLength || !(char.IsAsciiLetter(text[0]) || text[0] == '_'))
        {
            return false;
        }

        // useradd(8) lets a dollar sign end the name of a machine account.
        var body = text[^1] == '$' ? text.AsSpan(0, text.Length - 1) : text;
        foreach (var c in body)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.'))
            {
                return false;
            }
        }

        return true;
    }
}
