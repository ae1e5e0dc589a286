namespace Containers.Specification.Rules;

/// <summary>Text of others inside a message: short, and with no control character that would forge a line of a log.</summary>
internal static class Printable
{
    private const int MaxLength = 80;

    public static string Shorten(string text)
    {
        var cut = text.Length > MaxLength;
        return string.Create(cut ? MaxLength + 1 : text.Length, (text, cut), static (span, state) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                var c = state.text[i];
                span[i] = char.IsControl(c) || char.IsSurrogate(c) ? '\uFFFD' : c;
            }

            if (state.cut)
            {
                span[^1] = '…';
            }
        });
    }
}
