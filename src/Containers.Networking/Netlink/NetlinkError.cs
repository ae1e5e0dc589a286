using System.Runtime.InteropServices;
using Containers.Interop;

namespace Containers.Netlink;

/// <summary>What the kernel answers where it refuses, or is done: an errno, and words about it (struct nlmsgerr, linux/netlink.h).</summary>
internal readonly record struct NetlinkError(Errno Errno, string? KernelMessage, uint? Offset, ushort? MissingType)
{
    /// <summary>Negative numbers are errors; this is the lowest one of the kernel (MAX_ERRNO).</summary>
    private const int LowestError = -4095;

    private const ushort AttributeMessage = 1;
    private const ushort AttributeOffset = 2;
    private const ushort AttributeMissingType = 5;

    public static NetlinkError Parse(NetlinkMessage message)
    {
        // The number of a dump's end is an error only where it is negative.
        var code = message.Header.Type == NetlinkHeader.TypeDone && message.Payload.Length < sizeof(int) ? 0 : message.Read<int>();
        if (code is < LowestError or > 0)
        {
            code = message.Header.Type == NetlinkHeader.TypeDone ? 0 : throw MessageReader.Malformed($"the error number {code}");
        }

        var error = new NetlinkError((Errno)(-code), null, null, null);
        if (!message.Header.Flags.HasFlag(NetlinkFlags.ErrorAttributes))
        {
            return error;
        }

        foreach (var attribute in new AttributeReader(Behind(message)))
        {
            error = attribute.Type switch
            {
                AttributeMessage => error with { KernelMessage = attribute.Text },
                AttributeOffset => error with { Offset = attribute.UInt32 },
                AttributeMissingType => error with { MissingType = (ushort)attribute.UInt32 },
                _ => error,
            };
        }

        return error;
    }

    /// <summary>The attributes: behind the number, and where it is an error also behind the request's header, with the request where it is not capped.</summary>
    private static ReadOnlySpan<byte> Behind(NetlinkMessage message)
    {
        var rest = message.Payload[sizeof(int)..];
        if (message.Header.Type == NetlinkHeader.TypeDone)
        {
            return rest;
        }

        if (!MemoryMarshal.TryRead<NetlinkHeader>(rest, out var request))
        {
            throw MessageReader.Malformed("an error without the header of its request");
        }

        var skip = message.Header.Flags.HasFlag(NetlinkFlags.Capped) ? NetlinkHeader.Size : (uint)MessageReader.Align((int)Math.Min(request.Length, int.MaxValue / 2));
        return skip <= rest.Length ? rest[(int)skip..] : throw MessageReader.Malformed($"an error of {rest.Length} bytes with a request of {skip}");
    }
}
