using System.Globalization;

namespace Containers.Names;

/// <summary>The names that addresses have in the tree for looking them up: <c>4.3.2.1.in-addr.arpa</c> (RFC 1035, 3.5), and of IPv6 by half bytes (RFC 3596).</summary>
internal static class ReverseName
{
    public const int MaximumAddress = 16;
    private const int FourSize = 4;
    private const string FourEnd = ".in-addr.arpa";
    private const string SixEnd = ".ip6.arpa";

    /// <summary>The address that a name stands for.</summary>
    /// <param name="name">In lower case.</param>
    /// <param name="address">At least <see cref="MaximumAddress"/> bytes.</param>
    /// <returns>How many of them are the address; 0: the name is no whole address's.</returns>
    public static int Parse(ReadOnlySpan<char> name, Span<byte> address) =>
        name.EndsWith(FourEnd, StringComparison.Ordinal) ? ParseFour(name[..^FourEnd.Length], address)
        : name.EndsWith(SixEnd, StringComparison.Ordinal) ? ParseSix(name[..^SixEnd.Length], address)
        : 0;

    private static int ParseFour(ReadOnlySpan<char> digits, Span<byte> address)
    {
        var next = FourSize;
        foreach (var range in digits.Split('.'))
        {
            if (next == 0 || !byte.TryParse(digits[range], NumberStyles.None, CultureInfo.InvariantCulture, out address[--next]))
            {
                return 0;
            }
        }

        return next == 0 ? FourSize : 0;
    }

    private static int ParseSix(ReadOnlySpan<char> digits, Span<byte> address)
    {
        if (digits.Length != (MaximumAddress * 4) - 1)
        {
            return 0;
        }

        for (var i = 0; i < MaximumAddress; i++)
        {
            var pair = digits.Slice(i * 4, 3);
            if (!char.IsAsciiHexDigit(pair[0]) || pair[1] != '.' || !char.IsAsciiHexDigit(pair[2]) || (i > 0 && digits[(i * 4) - 1] != '.'))
            {
                return 0;
            }

            address[MaximumAddress - 1 - i] = (byte)(Value(pair[0]) | (Value(pair[2]) << 4));
        }

        return MaximumAddress;
    }

    private static int Value(char digit) => char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
