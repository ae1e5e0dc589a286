using System.Buffers.Text;

namespace Containers.Cgroups;

/// <summary>The forms in which control group files hold numbers (cgroup-v2.rst, "Interface Files").</summary>
internal static class KernelText
{
    private static ReadOnlySpan<byte> Max => "max"u8;

    /// <summary>A number by itself; null where there is none. <c>max</c> and numbers past 2^63 are <see cref="long.MaxValue"/>.</summary>
    public static long? Number(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith(Max))
        {
            return long.MaxValue;
        }

        return Utf8Parser.TryParse(text, out ulong value, out var consumed) && consumed > 0
            ? (long)Math.Min(value, long.MaxValue)
            : null;
    }

    /// <summary>The value after <paramref name="key"/> and a space at the start of a line.</summary>
    public static long? Keyed(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key)
    {
        foreach (var range in text.Split((byte)'\n'))
        {
            var line = text[range];
            if (line.Length > key.Length && line[key.Length] == (byte)' ' && line.StartsWith(key))
            {
                return Number(line[(key.Length + 1)..]);
            }
        }

        return null;
    }

    /// <summary>The value after <c>key=</c> within one line of a nested keyed file.</summary>
    public static long? Nested(ReadOnlySpan<byte> line, ReadOnlySpan<byte> key)
    {
        foreach (var range in line.Split((byte)' '))
        {
            var field = line[range];
            if (field.Length > key.Length && field[key.Length] == (byte)'=' && field.StartsWith(key))
            {
                return Number(field[(key.Length + 1)..]);
            }
        }

        return null;
    }

    /// <summary>Whether a list of words, one space or newline between, has the word.</summary>
    public static bool HasWord(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word)
    {
        foreach (var range in text.SplitAny(" \n"u8))
        {
            if (text[range].SequenceEqual(word))
            {
                return true;
            }
        }

        return false;
    }
}
