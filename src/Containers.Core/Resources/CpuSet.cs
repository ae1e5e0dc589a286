using System.Globalization;
using System.Numerics;
using System.Text;
using Containers.Specification.Rules;

namespace Containers;

/// <summary>
/// Processors a container may run on, in the kernel's list format: <c>0-2,6,8</c> (cpuset(7)). Two sets of the same
/// processors are equal however they were written.
/// </summary>
public sealed record CpuSet
{
    /// <summary>The most processors any configuration of the kernel supports (NR_CPUS with CONFIG_MAXSMP).</summary>
    private const int MaxProcessors = 8192;
    private const int WordBits = 64;

    // Room for every processor by itself; a longer text repeats some.
    private const int MaxTextLength = 64 * 1024;

    /// <summary>For code that has a literal: <see cref="Parse"/> with an <see cref="ArgumentException"/>.</summary>
    internal CpuSet(string list)
    {
        ArgumentNullException.ThrowIfNull(list);
        if (Read(list, out var normalized, out var count) is { } problem)
        {
            throw new ArgumentException(problem, nameof(list));
        }

        List = normalized;
        Count = count;
    }

    private CpuSet(string normalized, int count)
    {
        List = normalized;
        Count = count;
    }

    /// <summary>The processors in the kernel's shortest list format: ascending, neighbours joined to ranges.</summary>
    public string List { get; }

    /// <summary>The number of processors.</summary>
    public int Count { get; }

    /// <summary>Reads processor numbers and ascending ranges with commas between them, in any order: <c>0-2,6,8</c>.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    /// <exception cref="FormatException">The text is not a list of processors, or names one past 8191.</exception>
    public static CpuSet Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Read(text, out var normalized, out var count) is { } problem
            ? throw new FormatException(problem)
            : new CpuSet(normalized, count);
    }

    /// <summary>Reads a list as <see cref="Parse"/> does, without throwing.</summary>
    /// <param name="text">The text.</param>
    /// <param name="set">The processors, or null.</param>
    /// <returns>Whether <paramref name="text"/> is a list of processors.</returns>
    public static bool TryParse(string? text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out CpuSet? set)
    {
        set = text is not null && Read(text, out var normalized, out var count) is null ? new CpuSet(normalized, count) : null;
        return set is not null;
    }

    /// <summary>The list, as <see cref="List"/>.</summary>
    public override string ToString() => List;

    /// <summary>Returns what is wrong with the text, or null.</summary>
    private static string? Read(ReadOnlySpan<char> text, out string normalized, out int count)
    {
        normalized = string.Empty;
        count = 0;
        if (text.Length is 0 or > MaxTextLength)
        {
            return "A list of processors is numbers and ranges such as 0-2,6,8.";
        }

        Span<ulong> bits = stackalloc ulong[MaxProcessors / WordBits];
        bits.Clear();
        foreach (var range in text.Split(','))
        {
            var part = text[range];
            var dash = part.IndexOf('-');
            if (!TryReadNumber(dash < 0 ? part : part[..dash], out var first) ||
                !TryReadNumber(part[(dash + 1)..], out var last))
            {
                return $"'{Printable.Shorten(part.ToString())}' is not a processor below {MaxProcessors} " +
                    "nor a range of them; write a list such as 0-2,6,8.";
            }

            if (first > last)
            {
                return $"The range '{part}' runs backwards; write '{last}-{first}'.";
            }

            for (var processor = first; processor <= last; processor++)
            {
                bits[processor / WordBits] |= 1UL << (processor % WordBits);
            }
        }

        foreach (var word in bits)
        {
            count += BitOperations.PopCount(word);
        }

        normalized = Write(bits);
        return null;
    }

    private static bool TryReadNumber(ReadOnlySpan<char> text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number < MaxProcessors;

    private static string Write(ReadOnlySpan<ulong> bits)
    {
        var list = new StringBuilder();
        for (var first = 0; first < MaxProcessors; first++)
        {
            if (!Has(bits, first))
            {
                continue;
            }

            var last = first;
            while (last + 1 < MaxProcessors && Has(bits, last + 1))
            {
                last++;
            }

            list.Append(list.Length == 0 ? "" : ",").Append(CultureInfo.InvariantCulture, $"{first}");
            if (last > first)
            {
                list.Append(CultureInfo.InvariantCulture, $"-{last}");
            }

            first = last;
        }

        return list.ToString();
    }

    private static bool Has(ReadOnlySpan<ulong> bits, int processor) =>
        (bits[processor / WordBits] >> (processor % WordBits) & 1) != 0;
}
