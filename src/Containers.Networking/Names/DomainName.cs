namespace Containers.Names;

/// <summary>Names as they are in messages: labels with their lengths before them, the empty one last (RFC 1035, 3.1).</summary>
internal static class DomainName
{
    /// <summary>The longest name in a message; as text it is two characters shorter.</summary>
    public const int MaximumSize = 255;
    public const int MaximumLabel = 63;
    private const byte PointerBits = 0xC0;

    /// <summary>The text of a name, in lower case and without a dot at its end.</summary>
    /// <param name="message">The message.</param>
    /// <param name="offset">Where the name begins.</param>
    /// <param name="text">At least <see cref="MaximumSize"/> characters.</param>
    /// <param name="length">How many of them are the name; -1 where a label has bytes that no text is made of, a dot above all.</param>
    /// <returns>Where the name ends; -1: it is none, or has a pointer, which the first name of a message has no use for.</returns>
    public static int Read(ReadOnlySpan<byte> message, int offset, Span<char> text, out int length)
    {
        length = 0;
        var start = offset;
        var isText = true;
        while (true)
        {
            if (offset >= message.Length || message[offset] > MaximumLabel || offset + message[offset] + 1 - start > MaximumSize)
            {
                return -1;
            }

            var label = message[offset++];
            if (label == 0)
            {
                length = isText ? length : -1;
                return offset;
            }

            if (offset + label > message.Length)
            {
                return -1;
            }

            if (length > 0)
            {
                text[length++] = '.';
            }

            foreach (var value in message.Slice(offset, label))
            {
                isText &= value is > (byte)' ' and < 0x7F and not (byte)'.';
                text[length++] = (char)(value is >= (byte)'A' and <= (byte)'Z' ? value | 0x20 : value);
            }

            offset += label;
        }
    }

    /// <summary>Passes a name that may end in a pointer.</summary>
    /// <returns>Where it ends in the message; -1: it is none.</returns>
    public static int Skip(ReadOnlySpan<byte> message, int offset)
    {
        var start = offset;
        while (offset < message.Length && offset - start < MaximumSize)
        {
            var label = message[offset];
            if (label >= PointerBits)
            {
                return offset + 2 <= message.Length ? offset + 2 : -1;
            }

            if (label > MaximumLabel)
            {
                return -1;
            }

            offset += label + 1;
            if (label == 0)
            {
                return offset;
            }
        }

        return -1;
    }

    /// <summary>Writes a name.</summary>
    /// <returns>How long it is.</returns>
    public static int Write(ReadOnlySpan<char> text, Span<byte> into)
    {
        var length = 0;
        foreach (var range in text.Split('.'))
        {
            var label = text[range];
            into[length++] = (byte)label.Length;
            length += System.Text.Encoding.ASCII.GetBytes(label, into[length..]);
        }

        into[length++] = 0;
        return length;
    }

    /// <summary>Whether a resolver could ask for it: a container's name may be longer than a label.</summary>
    public static bool IsValid(string name) =>
        name.Length <= MaximumSize - 2 && Array.TrueForAll(name.Split('.'), static label => label.Length is > 0 and <= MaximumLabel && label.All(IsLetter));

    /// <summary>A name that a container may have, in lower case.</summary>
    /// <exception cref="ArgumentException">No resolver could ask for it.</exception>
    public static string Check(string name, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(name, parameter);
        return IsValid(name)
            ? name.ToLowerInvariant()
            : throw new ArgumentException(
                $"\"{name}\" is no name for the network: letters, digits, - and _, in parts of at most {MaximumLabel} with a dot between them, {MaximumSize - 2} in all.", parameter);
    }

    private static bool IsLetter(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_';
}
