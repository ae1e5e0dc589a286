using System.Text;

namespace Containers.Specification.Rules;

/// <summary>Strings that reach the kernel: no NUL, which would cut them short, and writable as UTF-8 without loss.</summary>
internal static class KernelText
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The longest single argument or environment entry with its NUL: MAX_ARG_STRLEN, 32 pages (execve(2)).</summary>
    private static readonly int MaxArgumentBytes = 32 * System.Environment.SystemPageSize;

    public static string Require(string? text, string parameter)
    {
        ArgumentNullException.ThrowIfNull(text, parameter);
        _ = ByteCount(text, parameter);
        return text;
    }

    public static string RequireNotEmpty(string? text, string parameter, string what)
    {
        Require(text, parameter);
        return text!.Length == 0 ? throw new ArgumentException($"{what} is empty.", parameter) : text;
    }

    /// <summary>One argument of a command.</summary>
    public static string RequireArgument(string? text, string parameter)
    {
        ArgumentNullException.ThrowIfNull(text, parameter);
        RequireArgumentBytes(ByteCount(text, parameter), parameter);
        return text;
    }

    public static void RequireArgumentBytes(int bytes, string parameter)
    {
        if (bytes >= MaxArgumentBytes)
        {
            throw new ArgumentException(
                $"{bytes} bytes are too long: the kernel takes less than {MaxArgumentBytes} in one argument or variable. " +
                "Pass the text in a file (WithFile) or as standard input.",
                parameter);
        }
    }

    public static int ByteCount(string text, string parameter)
    {
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException(
                $"'{Printable.Shorten(text)}' contains a NUL character, at which the kernel would cut it off.", parameter);
        }

        try
        {
            return Strict.GetByteCount(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException("The text has half of a surrogate pair and cannot be written as UTF-8.", parameter, e);
        }
    }
}
