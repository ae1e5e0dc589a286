using System.Numerics;

namespace Containers.Users;

/// <summary>User and group ids as text.</summary>
internal static class AccountId
{
    /// <summary>
    /// Ids end before 2^31-1: (uid_t)-1 means "leave as it is" to the kernel, and an id that turns negative in some
    /// program has become another user's (CVE-2024-40635).
    /// </summary>
    public const uint Max = int.MaxValue - 1;

    // As many digits as the greatest id has.
    private const int MaxDigits = 10;

    /// <summary>Reads ASCII digits, nothing else: no sign, no space, no digits of other scripts.</summary>
    public static bool TryParse<TChar>(ReadOnlySpan<TChar> text, out uint id)
        where TChar : unmanaged, IBinaryInteger<TChar>
    {
        id = 0;
        if (text.Length is 0 or > MaxDigits)
        {
            return false;
        }

        ulong value = 0;
        foreach (var c in text)
        {
            var digit = uint.CreateTruncating(c) - '0';
            if (digit > 9)
            {
                return false;
            }

            value = (value * 10) + digit;
        }

        if (value > Max)
        {
            return false;
        }

        id = (uint)value;
        return true;
    }

    public static uint Require(uint id, string parameter) => id <= Max
        ? id
        : throw new ArgumentOutOfRangeException(parameter, id, $"An id is 0 to {Max}; greater ones turn negative in some programs.");
}
