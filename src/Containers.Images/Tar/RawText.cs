using System.Text;

namespace Containers.Tar;

/// <summary>Bytes of a name made readable for a message: no control character gets to a terminal or a log.</summary>
internal static class RawText
{
    private const int Longest = 256;

    public static string Show(ReadOnlySpan<byte> name)
    {
        var text = new StringBuilder(Encoding.UTF8.GetString(name[..Math.Min(name.Length, Longest)]));
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsControl(text[i]))
            {
                text[i] = '?';
            }
        }

        return name.Length > Longest ? text.Append("...").ToString() : text.ToString();
    }
}
