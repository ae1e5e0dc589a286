using System.Net;
using System.Net.Sockets;

namespace Containers.Names;

/// <summary>The address in what a socket says of the other side, without an object made of it.</summary>
internal static class AskerAddress
{
    /// <summary>Where it is in sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)).</summary>
    private const int FourOffset = 4;
    private const int SixOffset = 8;

    public static ReadOnlySpan<byte> Of(SocketAddress address) => address.Family == AddressFamily.InterNetworkV6
        ? address.Buffer.Span.Slice(SixOffset, AddressSet.SixSize)
        : address.Buffer.Span.Slice(FourOffset, AddressSet.FourSize);
}
