using System.Runtime.InteropServices;
using Containers.Interop;

namespace Containers.Netlink;

/// <summary>The messages in what one read of a socket gave. Lengths are checked: a reply is input, whoever wrote it.</summary>
internal ref struct MessageReader(ReadOnlySpan<byte> data)
{
    private const int Alignment = 4;

    private ReadOnlySpan<byte> _rest = data;

    public static int Align(int length) => (length + Alignment - 1) & ~(Alignment - 1);

    public static NetworkException Malformed(string what) =>
        new("read a netlink reply", null, Errno.EPROTO, $"The kernel's answer makes no sense: {what}.");

    public bool TryRead(out NetlinkMessage message)
    {
        if (_rest.IsEmpty)
        {
            message = default;
            return false;
        }

        if (!MemoryMarshal.TryRead<NetlinkHeader>(_rest, out var header) || header.Length < NetlinkHeader.Size || header.Length > (uint)_rest.Length)
        {
            throw Malformed($"a message of {header.Length} bytes in {_rest.Length}");
        }

        message = new NetlinkMessage(header, _rest[NetlinkHeader.Size..(int)header.Length]);
        _rest = _rest[Math.Min(Align((int)header.Length), _rest.Length)..];
        return true;
    }
}
