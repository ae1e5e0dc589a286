using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Containers;

/// <summary>Ports one after the other: <c>8000-8010</c>.</summary>
public readonly record struct PortRange
{
    /// <summary>Creates a range.</summary>
    /// <param name="first">The first port, from 1 to 65535.</param>
    /// <param name="last">The last port, included; not before the first.</param>
    /// <exception cref="ArgumentOutOfRangeException">One of them is no port, or the last is before the first.</exception>
    public PortRange(int first, int last)
    {
        First = PortRule.RequirePort(first, nameof(first));
        Last = PortRule.RequirePort(last, nameof(last));
        ArgumentOutOfRangeException.ThrowIfLessThan(last, first);
    }

    /// <summary>The first port.</summary>
    public int First { get; }

    /// <summary>The last port; it is one of them.</summary>
    public int Last { get; }

    /// <summary>How many ports there are; 0 for the default value, which is no range.</summary>
    public int Count => First == 0 ? 0 : Last - First + 1;

    /// <summary>Reads <c>8000-8010</c>, or <c>8000</c> for a range of one port.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException"><paramref name="text"/> is no range of ports.</exception>
    public static PortRange Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryRead(text, out var range) ? range.Value : throw new FormatException(
            $"\"{text}\" is no port or range of ports: write 8000 or 8000-8010, with numbers from {PortRule.First} to {PortRule.Last}.");
    }

    /// <summary>As written: <c>8000-8010</c>, or <c>8000</c>.</summary>
    public override string ToString() => First == Last
        ? First.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}");

    internal static bool TryRead(ReadOnlySpan<char> text, [NotNullWhen(true)] out PortRange? range)
    {
        range = null;
        var dash = text.IndexOf('-');
        var from = dash < 0 ? text : text[..dash];
        if (PortRule.TryRead(from, out var first) && PortRule.TryRead(dash < 0 ? text : text[(dash + 1)..], out var last) && first >= PortRule.First && last >= first)
        {
            range = new PortRange(first, last);
        }

        return range is not null;
    }
}
