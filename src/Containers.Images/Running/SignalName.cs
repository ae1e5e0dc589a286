using System.Globalization;
using Containers.Specification.Rules;

namespace Containers.Running;

/// <summary>Signals as images name them: <c>SIGTERM</c>, <c>TERM</c>, <c>15</c>, <c>SIGRTMIN+3</c> (signal(7)).</summary>
internal static class SignalName
{
    private const int FirstRealTime = 34;
    private const int Last = 64;

    /// <summary>By number, from 1 on; the same on x86-64 and arm64.</summary>
    private static readonly string[] Names =
    [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
        "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <exception cref="ArgumentException">It is none.</exception>
    public static Signal Parse(string text)
    {
        var name = text.AsSpan(text.StartsWith("SIG", StringComparison.Ordinal) ? 3 : 0);
        var offset = 0;
        var number = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given :
            name is "RTMIN" ? FirstRealTime :
            name.StartsWith("RTMIN+") && int.TryParse(name[6..], NumberStyles.None, CultureInfo.InvariantCulture, out offset) ? FirstRealTime + Math.Min(offset, Last) :
            name is "RTMAX" ? Last :
            name.StartsWith("RTMAX-") && int.TryParse(name[6..], NumberStyles.None, CultureInfo.InvariantCulture, out offset) ? Math.Max(Last - offset, 0) :
            Array.IndexOf(Names, name.ToString()) + 1;
        return number is >= 1 and <= 31 or >= FirstRealTime and <= Last
            ? (Signal)number
            : throw new ArgumentException($"'{Printable.Shorten(text)}' is no signal.", nameof(text));
    }
}
