using System.Net;
using System.Net.Sockets;

namespace Containers.Names;

/// <summary>A socket that speaks to one resolver over UDP, from a port that the kernel has chosen by chance, and hears nobody else.</summary>
internal sealed class ResolverSocket : Socket
{
    private readonly long _since = Environment.TickCount64;

    /// <exception cref="SocketException">There is no way to it, or no descriptor is left.</exception>
    public ResolverSocket(IPEndPoint server)
        : base(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
    {
        Server = server;
        try
        {
            Connect(server);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IPEndPoint Server { get; }

    /// <summary>Milliseconds since it was made.</summary>
    public long Age => Environment.TickCount64 - _since;
}
