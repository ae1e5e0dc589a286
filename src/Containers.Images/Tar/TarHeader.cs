using System.Buffers.Binary;
using System.Buffers.Text;

namespace Containers.Tar;

/// <summary>The fields of a 512-byte header: POSIX.1-1988 ustar, and where GNU tar differs from it (tar(5)).</summary>
internal static class TarHeader
{
    public const int BlockSize = 512;

    public static readonly Range Name = 0..100;
    public static readonly Range Mode = 100..108;
    public static readonly Range UserId = 108..116;
    public static readonly Range GroupId = 116..124;
    public static readonly Range Size = 124..136;
    public static readonly Range Modified = 136..148;
    public static readonly Range Checksum = 148..156;
    public const int Type = 156;
    public static readonly Range LinkName = 157..257;
    public static readonly Range Magic = 257..265;
    public static readonly Range DeviceMajor = 329..337;
    public static readonly Range DeviceMinor = 337..345;
    public static readonly Range Prefix = 345..500;

    public const int SparseStart = 386;
    public const int SparseInHeader = 4;
    public const int SparseInExtension = 21;
    public const int SparseLength = 24;
    public const int SparseIsExtended = 482;
    public const int SparseExtensionIsExtended = 504;
    public static readonly Range SparseRealSize = 483..495;

    /// <summary>The magic of ustar with its version; GNU tar's has spaces, and fields of its own in place of the prefix.</summary>
    public static ReadOnlySpan<byte> Ustar => "ustar\000"u8;

    /// <summary>Long since, programs summed signed bytes; both are taken.</summary>
    public static bool IsChecksumRight(ReadOnlySpan<byte> block)
    {
        if (!TryNumber(block[Checksum], out var stored))
        {
            return false;
        }

        var (unsigned, signed) = Sum(block);
        return stored == unsigned || stored == signed;
    }

    public static (int Unsigned, int Signed) Sum(ReadOnlySpan<byte> block)
    {
        var (unsigned, negative) = (0, 0);
        foreach (var value in block)
        {
            unsigned += value;
            negative += value >> 7;
        }

        foreach (var value in block[Checksum])
        {
            unsigned += ' ' - value;
            negative -= value >> 7;
        }

        return (unsigned, unsigned - (negative << 8));
    }

    /// <summary>Octal digits between spaces and NULs, or GNU's base 256 where the first bit is set.</summary>
    public static bool TryNumber(ReadOnlySpan<byte> field, out long value)
    {
        value = 0;
        if ((field[0] & 0x80) != 0)
        {
            return TryBase256(field, out value);
        }

        var digits = field.Trim(" \0"u8);
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7' || value >> 60 != 0)
            {
                // Some programs leave bytes behind the NUL that ends the number.
                return digit == 0;
            }

            value = (value << 3) | (uint)(digit - '0');
        }

        return true;
    }

    /// <summary>Decimal digits, as in PAX records.</summary>
    public static bool TryDecimal(ReadOnlySpan<byte> digits, out long value) =>
        Utf8Parser.TryParse(digits, out value, out var used) && used == digits.Length && digits[0] is >= (byte)'0' and <= (byte)'9';

    public static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> field) => field.IndexOf((byte)0) is >= 0 and var end ? field[..end] : field;

    private static bool TryBase256(ReadOnlySpan<byte> field, out long value)
    {
        // Two's complement, big-endian, the first bit being the mark; the second is the sign.
        var isNegative = (field[0] & 0x40) != 0;
        Span<byte> wide = stackalloc byte[16];
        wide.Fill(isNegative ? (byte)0xff : (byte)0);
        field.CopyTo(wide[^field.Length..]);
        wide[^field.Length] = isNegative ? field[0] : (byte)(field[0] & 0x7f);
        var number = BinaryPrimitives.ReadInt128BigEndian(wide);
        value = (long)number;
        return number == value;
    }
}
