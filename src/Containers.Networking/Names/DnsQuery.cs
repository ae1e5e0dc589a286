using System.Buffers.Binary;

namespace Containers.Names;

/// <summary>What a message asks, as far as this server has to know: all else in it goes to the host's resolver as it came.</summary>
internal readonly record struct DnsQuery
{
    public const int HeaderSize = 12;

    /// <summary>What a client can take that does not say more (RFC 1035, 4.2.1).</summary>
    public const int PlainSize = 512;
    public const ushort ResponseFlag = 0x8000;
    public const ushort OperationBits = 0x7800;
    public const ushort AuthoritativeFlag = 0x0400;
    public const ushort TruncatedFlag = 0x0200;
    public const ushort RecursionDesiredFlag = 0x0100;
    public const ushort RecursionAvailableFlag = 0x0080;
    public const ushort CodeBits = 0x000F;
    public const ushort InternetClass = 1;
    public const ushort AnyClass = 255;

    /// <summary>A query has one for its options and one for its signature; more is nobody's.</summary>
    private const int MostAdditional = 4;

    public ushort Flags { get; private init; }

    public RecordType Type { get; private init; }

    public ushort Class { get; private init; }

    /// <summary>Where the question ends, which begins after the header; 0: there is none that can be read.</summary>
    public int QuestionEnd { get; private init; }

    /// <summary>It has a record of options (RFC 6891).</summary>
    public bool HasOptions { get; private init; }

    /// <summary>The version of its options.</summary>
    public byte OptionsVersion { get; private init; }

    /// <summary>How long an answer over UDP may be.</summary>
    public int PayloadSize { get; private init; }

    /// <summary>Reads a message.</summary>
    /// <param name="message">What came.</param>
    /// <param name="name">At least <see cref="DomainName.MaximumSize"/> characters.</param>
    /// <param name="nameLength">The length of the name in lower case; -1 where it is no text.</param>
    /// <param name="query">What is asked, as far as it can be told.</param>
    /// <returns><see cref="ResponseCode.Success"/>; otherwise why it is refused; null: it is no query, and whoever sent it gets no answer.</returns>
    public static ResponseCode? Parse(ReadOnlySpan<byte> message, Span<char> name, out int nameLength, out DnsQuery query)
    {
        nameLength = -1;
        query = default;
        if (message.Length < HeaderSize)
        {
            return null;
        }

        var flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        query = new DnsQuery { Flags = flags, PayloadSize = PlainSize };
        if ((flags & ResponseFlag) != 0)
        {
            return null;
        }

        if ((flags & OperationBits) != 0)
        {
            return ResponseCode.NotImplemented;
        }

        const ulong OneQuestionAlone = 1UL << 48;
        var counts = BinaryPrimitives.ReadUInt64BigEndian(message[4..]);
        var additional = (int)(counts & ushort.MaxValue);
        if ((counts & ~(ulong)ushort.MaxValue) != OneQuestionAlone || additional > MostAdditional)
        {
            return ResponseCode.FormatError;
        }

        var end = DomainName.Read(message, HeaderSize, name, out nameLength);
        if (end < 0 || end + 4 > message.Length)
        {
            return ResponseCode.FormatError;
        }

        query = query with
        {
            Type = (RecordType)BinaryPrimitives.ReadUInt16BigEndian(message[end..]),
            Class = BinaryPrimitives.ReadUInt16BigEndian(message[(end + 2)..]),
            QuestionEnd = end + 4,
        };
        return ReadAdditional(message, additional, ref query) ? ResponseCode.Success : ResponseCode.FormatError;
    }

    /// <summary>Whether a message answers the question of another: the same name but for its case, the same type and class.</summary>
    public bool IsAnsweredBy(ReadOnlySpan<byte> query, ReadOnlySpan<byte> answer)
    {
        if (answer.Length < HeaderSize || (BinaryPrimitives.ReadUInt16BigEndian(answer[2..]) & (ResponseFlag | OperationBits)) != ResponseFlag)
        {
            return false;
        }

        // A server that could not read the question may leave it out.
        if (BinaryPrimitives.ReadUInt16BigEndian(answer[4..]) == 0)
        {
            return (answer[3] & CodeBits) != 0 && BinaryPrimitives.ReadUInt16BigEndian(answer[6..]) == 0;
        }

        if (answer.Length < QuestionEnd || BinaryPrimitives.ReadUInt16BigEndian(answer[4..]) != 1)
        {
            return false;
        }

        var nameEnd = QuestionEnd - 4;
        var asked = query[HeaderSize..nameEnd];
        var answered = answer[HeaderSize..nameEnd];
        return (asked.SequenceEqual(answered) || System.Text.Ascii.EqualsIgnoreCase(asked, answered)) && query[nameEnd..QuestionEnd].SequenceEqual(answer[nameEnd..QuestionEnd]);
    }

    private static bool ReadAdditional(ReadOnlySpan<byte> message, int count, ref DnsQuery query)
    {
        const int FixedPart = 10;
        var offset = query.QuestionEnd;
        for (var i = 0; i < count; i++)
        {
            var start = offset;
            offset = DomainName.Skip(message, offset);
            if (offset < 0 || offset + FixedPart > message.Length)
            {
                return false;
            }

            var type = (RecordType)BinaryPrimitives.ReadUInt16BigEndian(message[offset..]);
            if (type == RecordType.Options)
            {
                if (query.HasOptions || message[start] != 0)
                {
                    return false;
                }

                query = query with
                {
                    HasOptions = true,
                    PayloadSize = Math.Max(PlainSize, (int)BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 2)..])),
                    OptionsVersion = message[offset + 5],
                };
            }

            offset += FixedPart + BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 8)..]);
        }

        // Longer than what is in it: what is behind would go on to the host's resolver unread.
        return offset == message.Length;
    }
}
