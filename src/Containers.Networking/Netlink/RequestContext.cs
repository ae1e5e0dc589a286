using Containers.Interop;

namespace Containers.Netlink;

/// <summary>What a request is for, so that its error can say so.</summary>
/// <param name="Step">What is being done: <c>create the bridge</c>.</param>
/// <param name="Subject">To what.</param>
/// <param name="Names">Names of the attributes of its message, by their numbers.</param>
/// <param name="Remedy">What to do about an error, where it is known.</param>
internal readonly record struct RequestContext(string Step, string? Subject, Func<ushort, string?>? Names = null, Func<Errno, string?>? Remedy = null)
{
    /// <summary>How deep attributes are nested at most in what this library writes.</summary>
    private const int DeepestNesting = 16;

    public NetworkException Failure(in NetlinkError error, ReadOnlySpan<byte> request, int headerSize) =>
        new(Step, Subject, error.Errno, error.KernelMessage, AttributeOf(error, request, headerSize), Remedy?.Invoke(error.Errno) ?? General(error.Errno));

    private static string? General(Errno errno) => errno switch
    {
        Errno.EPERM => "CAP_NET_ADMIN is needed in the user namespace that the network namespace belongs to.",
        Errno.ENOBUFS => "The kernel had no room for its answer, so it is not known whether this was done; look before trying again.",
        _ => null,
    };

    /// <summary>The attribute at the offset the kernel named, as the names or numbers of those it is in.</summary>
    private string? AttributeOf(in NetlinkError error, ReadOnlySpan<byte> request, int headerSize)
    {
        if (error.MissingType is { } missing)
        {
            return $"missing {Names?.Invoke(missing) ?? $"attribute {missing}"}";
        }

        var offset = error.Offset ?? 0;
        var start = NetlinkHeader.Size + MessageReader.Align(headerSize);
        if (offset < start || offset >= request.Length)
        {
            return null;
        }

        var name = new System.Text.StringBuilder();
        var (from, to) = (start, request.Length);
        for (var depth = 0; depth < DeepestNesting && to - from >= 4; depth++)
        {
            // The request is ours, so its lengths are right; a plain value that looks like attributes ends the loop by its bounds.
            var length = BitConverter.ToUInt16(request[from..]);
            if (length < 4 || from + length > to)
            {
                break;
            }

            if (offset >= from + MessageReader.Align(length))
            {
                from += MessageReader.Align(length);
                depth--;
                continue;
            }

            var type = (ushort)(BitConverter.ToUInt16(request[(from + 2)..]) & 0x3fff);
            _ = name.Length == 0 ? name.Append(Names?.Invoke(type) ?? $"attribute {type}") : name.Append('.').Append(type);
            if (offset <= from)
            {
                break;
            }

            (from, to) = (from + 4, from + length);
        }

        return name.Length == 0 ? null : name.ToString();
    }
}
