using System.Globalization;
using System.Text;
using Containers.Specification.Rules;

namespace Containers.Egress;

/// <summary>Names of hosts as policies have them: lower case, ASCII (IDNA), without the dot of the root.</summary>
internal static class HostNamePattern
{
    private const int MostLength = 253;
    private const int MostLabel = 63;
    private const string Wildcard = "*.";

    public static string Require(string name, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(name, parameter);
        var isWildcard = name.StartsWith(Wildcard, StringComparison.Ordinal);
        var plain = isWildcard ? name[Wildcard.Length..] : name;
        plain = plain.EndsWith('.') ? plain[..^1] : plain;
        if (!Ascii.IsValid(plain))
        {
            try
            {
                plain = new IdnMapping().GetAscii(plain);
            }
            catch (ArgumentException malformed)
            {
                throw new ArgumentException(Message(name), parameter, malformed);
            }
        }

        plain = plain.ToLowerInvariant();
        var labels = plain.Split('.');
        return plain.Length <= MostLength && Array.TrueForAll(labels, IsLabel) && !(labels.Length == 4 && System.Net.IPAddress.TryParse(plain, out _))
            ? isWildcard ? Wildcard + plain : plain
            : throw new ArgumentException(Message(name), parameter);
    }

    private static bool IsLabel(string label) => label.Length is > 0 and <= MostLabel && label[0] != '-' && label[^1] != '-' &&
        label.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_');

    private static string Message(string name) =>
        $"\"{Printable.Shorten(name)}\" is no host name: write example.org, or *.example.org for all names below it.";
}
