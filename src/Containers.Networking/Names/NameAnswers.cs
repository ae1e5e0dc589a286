namespace Containers.Names;

/// <summary>Answers queries from what is known here, or says that others must: bytes to bytes, without a socket and without anything left on the heap.</summary>
internal static class NameAnswers
{
    /// <summary>What passes everywhere in one piece (the DNS flag day of 2020).</summary>
    public const int LongestDatagram = 1232;

    /// <summary>The longest message over TCP.</summary>
    public const int LongestMessage = ushort.MaxValue;

    /// <summary>Decides about one message.</summary>
    /// <param name="message">What came.</param>
    /// <param name="view">What whoever sent it may see; null: nobody knows them.</param>
    /// <param name="isDatagram">It came over UDP: the answer is no longer than the client can take.</param>
    /// <param name="answer">Room for an answer.</param>
    /// <param name="length">Its length, where there is one.</param>
    /// <param name="query">What was asked.</param>
    public static QueryVerdict Decide(ReadOnlySpan<byte> message, NameView? view, bool isDatagram, Span<byte> answer, out int length, out DnsQuery query)
    {
        Span<char> name = stackalloc char[DomainName.MaximumSize];
        length = 0;
        var fault = DnsQuery.Parse(message, name, out var nameLength, out query);
        if (fault is not { } code)
        {
            return QueryVerdict.Ignore;
        }

        var room = isDatagram ? answer[..Math.Min(query.PayloadSize, LongestDatagram)] : answer;
        var writer = new AnswerWriter(message, query, room);
        var decided = code != ResponseCode.Success ? code
            : view is null ? ResponseCode.Refused
            : query.OptionsVersion != 0 ? ResponseCode.BadVersion
            : query.Class is not (DnsQuery.InternetClass or DnsQuery.AnyClass) || query.Type is RecordType.Transfer or RecordType.IncrementalTransfer ? ResponseCode.Refused
            : view.Observer is { } observer && (nameLength < 0 || !observer.MayResolve(name[..nameLength])) ? ResponseCode.Refused
            : nameLength >= 0 ? Answer(name[..nameLength], view, query.Type, ref writer)
            : null;
        if (decided is null && view!.MayForward)
        {
            return QueryVerdict.Forward;
        }

        // A network without a way out ends here: not one packet of it goes to the host's resolver, CVE-2024-29018.
        length = writer.Finish(decided ?? ResponseCode.NoSuchName);
        return QueryVerdict.Reply;
    }

    /// <summary>An answer that says no more than that there is none.</summary>
    /// <returns>Its length.</returns>
    public static int Fail(ReadOnlySpan<byte> message, in DnsQuery query, ResponseCode code, Span<byte> answer) => new AnswerWriter(message, query, answer).Finish(code);

    /// <summary>Makes an answer of another as short as can be: the client asks again over TCP.</summary>
    /// <returns>Its length.</returns>
    public static int Truncate(Span<byte> answer, in DnsQuery query)
    {
        const int TruncatedBit = DnsQuery.TruncatedFlag >> 8;
        answer[2] |= TruncatedBit;
        answer[6..DnsQuery.HeaderSize].Clear();
        return answer[4] + answer[5] == 0 ? DnsQuery.HeaderSize : query.QuestionEnd;
    }

    /// <summary>Null: it is no name of ours. A name that exists without what is asked of it has no records, which is not the same as no such name.</summary>
    private static ResponseCode? Answer(ReadOnlySpan<char> name, NameView view, RecordType type, ref AnswerWriter writer)
    {
        if (view.Find(name) is { } addresses)
        {
            if (type is RecordType.A or RecordType.Any)
            {
                Add(RecordType.A, addresses.Four, AddressSet.FourSize, addresses.NextTurn4(), ref writer);
            }

            if (type is RecordType.Aaaa or RecordType.Any)
            {
                Add(RecordType.Aaaa, addresses.Six, AddressSet.SixSize, addresses.NextTurn6(), ref writer);
            }

            return ResponseCode.Success;
        }

        Span<byte> reverse = stackalloc byte[ReverseName.MaximumAddress];
        reverse = reverse[..ReverseName.Parse(name, reverse)];
        if (reverse.Length > 0)
        {
            if (view.FindPointer(reverse) is { } pointer)
            {
                if (type is RecordType.Pointer or RecordType.Any)
                {
                    writer.Add(RecordType.Pointer, pointer);
                }

                return ResponseCode.Success;
            }

            return view.Registry.Covers(reverse) ? ResponseCode.NoSuchName : null;
        }

        return view.IsHidden(name) ? ResponseCode.NoSuchName : null;
    }

    private static void Add(RecordType kind, ReadOnlySpan<byte> values, int size, uint turn, ref AnswerWriter writer)
    {
        var count = values.Length / size;
        for (var i = 0u; i < count; i++)
        {
            writer.Add(kind, values.Slice((int)((turn + i) % (uint)count) * size, size));
        }
    }
}
