using System.Buffers.Binary;

namespace Containers.Names;

/// <summary>Writes an answer of this server's own: the question as it was asked, and records of the name in it.</summary>
internal ref struct AnswerWriter
{
    /// <summary>Seconds that a client may remember an answer: containers come and go.</summary>
    private const uint TimeToLive = 1;
    private const int OptionsSize = 11;

    /// <summary>A pointer to the name of the question, which is always at the same place.</summary>
    private const ushort QuestionPointer = 0xC000 | DnsQuery.HeaderSize;

    private readonly DnsQuery _query;
    private readonly Span<byte> _buffer;
    private int _length;
    private ushort _answers;
    private bool _truncated;

    /// <param name="message">The query.</param>
    /// <param name="query">What was read of it.</param>
    /// <param name="buffer">As long as the answer may be, 512 bytes at least.</param>
    public AnswerWriter(ReadOnlySpan<byte> message, in DnsQuery query, Span<byte> buffer)
    {
        _query = query;
        _length = Math.Max(query.QuestionEnd, DnsQuery.HeaderSize);
        message[.._length].CopyTo(buffer);
        _buffer = query.HasOptions ? buffer[..^OptionsSize] : buffer;
        Rest = buffer;
    }

    private Span<byte> Rest { get; }

    /// <summary>Adds a record, or notes that there is no room: the client asks again over TCP.</summary>
    public void Add(RecordType type, ReadOnlySpan<byte> data)
    {
        const int FixedPart = 12;
        if (_truncated || _length + FixedPart + data.Length > _buffer.Length)
        {
            _truncated = true;
            return;
        }

        var record = _buffer[_length..];
        BinaryPrimitives.WriteUInt16BigEndian(record, QuestionPointer);
        BinaryPrimitives.WriteUInt16BigEndian(record[2..], (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(record[4..], DnsQuery.InternetClass);
        BinaryPrimitives.WriteUInt32BigEndian(record[6..], TimeToLive);
        BinaryPrimitives.WriteUInt16BigEndian(record[10..], (ushort)data.Length);
        data.CopyTo(record[FixedPart..]);
        _length += FixedPart + data.Length;
        _answers++;
    }

    /// <summary>Ends the answer.</summary>
    /// <returns>Its length.</returns>
    public int Finish(ResponseCode code)
    {
        // Recursion is always said to be there: glibc takes an empty answer that has neither flag for one of a server that knows nothing.
        var flags = DnsQuery.ResponseFlag | DnsQuery.RecursionAvailableFlag | (_query.Flags & (DnsQuery.OperationBits | DnsQuery.RecursionDesiredFlag)) | ((int)code & DnsQuery.CodeBits);
        flags |= code is ResponseCode.Success or ResponseCode.NoSuchName ? DnsQuery.AuthoritativeFlag : 0;
        flags |= _truncated ? DnsQuery.TruncatedFlag : 0;
        BinaryPrimitives.WriteUInt16BigEndian(Rest[2..], (ushort)flags);
        BinaryPrimitives.WriteUInt16BigEndian(Rest[4..], (ushort)(_query.QuestionEnd > 0 ? 1 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(Rest[6..], _answers);
        BinaryPrimitives.WriteUInt32BigEndian(Rest[8..], _query.HasOptions ? 1u : 0u);
        if (_query.HasOptions)
        {
            const int UpperPartOfCode = 4;
            var options = Rest.Slice(_length, OptionsSize);
            options.Clear();
            BinaryPrimitives.WriteUInt16BigEndian(options[1..], (ushort)RecordType.Options);
            BinaryPrimitives.WriteUInt16BigEndian(options[3..], NameAnswers.LongestDatagram);
            options[5] = (byte)((int)code >> UpperPartOfCode);
            _length += OptionsSize;
        }

        return _length;
    }
}
