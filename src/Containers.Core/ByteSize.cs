using System.Globalization;
using Containers.Specification.Rules;

namespace Containers;

/// <summary>
/// A number of bytes, never negative. Units are powers of 1024, as in <c>docker run -m 100m</c>: <c>100.MB</c> is
/// 104,857,600 bytes.
/// </summary>
public readonly record struct ByteSize : IComparable<ByteSize>
{
    // A size is typed by a person or read from a configuration; anything longer is not one.
    private const int MaxTextLength = 64;
    private const int UnitBits = 10;

    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>Creates a size from a number of bytes.</summary>
    /// <param name="bytes">The number of bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is negative.</exception>
    public ByteSize(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Bytes = bytes;
    }

    /// <summary>The plain number of bytes, as the kernel's control files want it.</summary>
    public long Bytes { get; }

    /// <summary>Whether <paramref name="left"/> is smaller than <paramref name="right"/>.</summary>
    /// <param name="left">One size.</param>
    /// <param name="right">The other size.</param>
    public static bool operator <(ByteSize left, ByteSize right) => left.Bytes < right.Bytes;

    /// <summary>Whether <paramref name="left"/> is greater than <paramref name="right"/>.</summary>
    /// <param name="left">One size.</param>
    /// <param name="right">The other size.</param>
    public static bool operator >(ByteSize left, ByteSize right) => left.Bytes > right.Bytes;

    /// <summary>Whether <paramref name="left"/> is at most <paramref name="right"/>.</summary>
    /// <param name="left">One size.</param>
    /// <param name="right">The other size.</param>
    public static bool operator <=(ByteSize left, ByteSize right) => left.Bytes <= right.Bytes;

    /// <summary>Whether <paramref name="left"/> is at least <paramref name="right"/>.</summary>
    /// <param name="left">One size.</param>
    /// <param name="right">The other size.</param>
    public static bool operator >=(ByteSize left, ByteSize right) => left.Bytes >= right.Bytes;

    /// <summary>Creates a size from a number of bytes.</summary>
    /// <param name="bytes">The number of bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is negative.</exception>
    public static ByteSize FromBytes(long bytes) => new(bytes);

    /// <summary>Creates a size from kilobytes of 1,024 bytes; a fraction of a byte is dropped.</summary>
    /// <param name="kilobytes">The number of kilobytes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="kilobytes"/> is negative or not a number.</exception>
    /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
    public static ByteSize FromKilobytes(double kilobytes) => Scale(kilobytes, 1, nameof(kilobytes));

    /// <summary>Creates a size from megabytes of 1,024 kilobytes; a fraction of a byte is dropped.</summary>
    /// <param name="megabytes">The number of megabytes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="megabytes"/> is negative or not a number.</exception>
    /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
    public static ByteSize FromMegabytes(double megabytes) => Scale(megabytes, 2, nameof(megabytes));

    /// <summary>Creates a size from gigabytes of 1,024 megabytes; a fraction of a byte is dropped.</summary>
    /// <param name="gigabytes">The number of gigabytes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="gigabytes"/> is negative or not a number.</exception>
    /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
    public static ByteSize FromGigabytes(double gigabytes) => Scale(gigabytes, 3, nameof(gigabytes));

    /// <summary>Creates a size from terabytes of 1,024 gigabytes; a fraction of a byte is dropped.</summary>
    /// <param name="terabytes">The number of terabytes.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="terabytes"/> is negative or not a number.</exception>
    /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
    public static ByteSize FromTerabytes(double terabytes) => Scale(terabytes, 4, nameof(terabytes));

    /// <summary>
    /// Reads a size as Docker writes it: a number, with a fraction where a unit follows, and <c>b</c>, <c>k</c>, <c>m</c>,
    /// <c>g</c>, <c>t</c> or <c>p</c> in either case, also as <c>kb</c> or <c>KiB</c>: <c>512</c>, <c>64k</c>, <c>100m</c>,
    /// <c>1.5GiB</c>.
    /// </summary>
    /// <param name="text">The text, in the invariant culture.</param>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    /// <exception cref="FormatException"><paramref name="text"/> is not a size.</exception>
    /// <exception cref="OverflowException">The size is 2^63 bytes or more.</exception>
    public static ByteSize Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Read(text, out var size) switch
        {
            ReadResult.Read => size,
            ReadResult.TooLarge => throw new OverflowException(
                $"The size '{Printable.Shorten(text)}' is 2^63 bytes or more, which is larger than any memory or file."),
            _ => throw new FormatException(
                $"'{Printable.Shorten(text)}' is not a size: write a number and a unit, such as 512, 64k, 100m or 1.5GiB."),
        };
    }

    /// <summary>Reads a size as <see cref="Parse"/> does, without throwing.</summary>
    /// <param name="text">The text, in the invariant culture.</param>
    /// <param name="size">The size, or zero bytes where the text is none.</param>
    /// <returns>Whether <paramref name="text"/> is a size that fits.</returns>
    public static bool TryParse(string? text, out ByteSize size) => Read(text, out size) == ReadResult.Read;

    /// <inheritdoc/>
    public int CompareTo(ByteSize other) => Bytes.CompareTo(other.Bytes);

    /// <summary>
    /// The size for a person, rounded to one decimal of the largest unit that fits: <c>100 MiB</c>, <c>1.5 GiB</c>.
    /// <see cref="Bytes"/> is the exact number.
    /// </summary>
    public override string ToString()
    {
        decimal value = Bytes;
        var unit = 0;
        while (unit + 1 < Units.Length && Math.Round(value, 1) >= 1 << UnitBits)
        {
            value /= 1 << UnitBits;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {Units[unit]}");
    }

    // A double is exact up to 2^53, so every whole number of kilobytes that fits 63 bits is exact as well.
    internal static ByteSize Scale(double value, int unit, string parameter)
    {
        if (!(value >= 0))
        {
            throw new ArgumentOutOfRangeException(parameter, value, "A size in bytes is zero or more.");
        }

        var bytes = value * (1L << (unit * UnitBits));
        return bytes < 9223372036854775808.0
            ? new ByteSize((long)bytes)
            : throw new OverflowException($"A size of {value.ToString(CultureInfo.InvariantCulture)} {Units[unit]} is 2^63 bytes or more.");
    }

    private static ReadResult Read(ReadOnlySpan<char> text, out ByteSize size)
    {
        size = default;
        text = text.Trim(' ');
        if (text.Length is 0 or > MaxTextLength || !char.IsAsciiDigit(text[0]))
        {
            return ReadResult.Malformed;
        }

        var end = text.LastIndexOfAnyInRange('0', '9') + 1;
        if (!TryReadUnit(text[end..].TrimStart(' '), out var unit) ||
            !decimal.TryParse(text[..end], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            return ReadResult.Malformed;
        }

        if (unit == 0 && text[..end].Contains('.'))
        {
            return ReadResult.Malformed;
        }

        var scale = 1L << (unit * UnitBits);
        if (number >= 9223372036854775808m / scale)
        {
            return ReadResult.TooLarge;
        }

        size = new ByteSize((long)(number * scale));
        return ReadResult.Read;
    }

    private static bool TryReadUnit(ReadOnlySpan<char> suffix, out int unit)
    {
        unit = 0;
        if (suffix.IsEmpty)
        {
            return true;
        }

        const string letters = "bkmgtp";
        unit = letters.IndexOf(char.ToLowerInvariant(suffix[0]), StringComparison.Ordinal);
        return unit switch
        {
            < 0 => false,
            0 => suffix.Length == 1,
            _ => suffix[1..] is "" || suffix[1..].Equals("b", StringComparison.OrdinalIgnoreCase) ||
                suffix[1..].Equals("ib", StringComparison.OrdinalIgnoreCase),
        };
    }

    private enum ReadResult
    {
        Malformed,
        TooLarge,
        Read,
    }
}
