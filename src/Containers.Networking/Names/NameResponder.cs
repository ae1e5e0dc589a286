using System.Net;

namespace Containers.Names;

/// <summary>Answers queries with all that it takes: asks others, and tells whoever watches over the container what it is going to get.</summary>
internal sealed class NameResponder(QueryForwarder forwarder)
{
    /// <summary>Room for one more answer that takes its time; <see cref="Exit"/> has to follow.</summary>
    public bool TryEnter(NameView view) => forwarder.TryEnter(view.Limits);

    public void Exit(NameView view) => forwarder.Exit(view.Limits);

    /// <summary>Answers one message, for which there was room.</summary>
    /// <param name="message">What came.</param>
    /// <param name="view">What whoever sent it may see.</param>
    /// <param name="isDatagram">It came over UDP, and is asked further over UDP.</param>
    /// <param name="answer">Room for the answer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The length of the answer; 0: there is none.</returns>
    public async Task<int> RespondAsync(ReadOnlyMemory<byte> message, NameView view, bool isDatagram, Memory<byte> answer, CancellationToken cancellationToken)
    {
        var verdict = NameAnswers.Decide(message.Span, view, isDatagram, answer.Span, out var length, out var query);
        if (verdict == QueryVerdict.Forward)
        {
            length = await forwarder.AskAsync(message, query, view, isDatagram, answer, cancellationToken).ConfigureAwait(false);
            length = length == 0 ? NameAnswers.Fail(message.Span, query, ResponseCode.ServerFailure, answer.Span)
                : isDatagram && length > Math.Min(query.PayloadSize, QueryForwarder.LongestDatagram) ? NameAnswers.Truncate(answer.Span, query)
                : length;
        }

        return length == 0 || Tell(message.Span, query, view, answer.Span[..length], isOwn: verdict == QueryVerdict.Reply)
            ? length
            : NameAnswers.Fail(message.Span, query, ResponseCode.ServerFailure, answer.Span);
    }

    /// <summary>False: the container must not get the answer.</summary>
    private static bool Tell(ReadOnlySpan<byte> message, in DnsQuery query, NameView view, ReadOnlySpan<byte> answer, bool isOwn)
    {
        if (view.Observer is not { } observer || query.QuestionEnd == 0)
        {
            return true;
        }

        var addresses = new List<IPAddress>();
        Span<char> name = stackalloc char[DomainName.MaximumSize];
        if (!AnswerReader.TryRead(answer, addresses, out var lifetime) || DomainName.Read(message, DnsQuery.HeaderSize, name, out var length) < 0)
        {
            return false;
        }

        try
        {
            if (addresses.Count > 0)
            {
                observer.Answered(name[..length], addresses, lifetime, isOwn);
            }

            return true;
        }
        catch (NetworkException fault)
        {
            view.Registry.ReportFault(fault);
            return false;
        }
    }
}
