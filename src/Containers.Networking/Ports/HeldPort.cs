using System.Net;
using System.Net.Sockets;
using System.Text;
using Containers.Interop;

namespace Containers.Ports;

/// <summary>
/// A port of this host that is taken, from before its container is launched until the container's end. The socket listens from the first
/// moment: one that is only bound would be no obstacle to others that are only bound too (SO_REUSEADDR, which is needed so that
/// connections of the past do not keep the port for a minute). It takes what comes over loopback alone, where that is not sent to the
/// container by rules: to ::1, and early. What comes to the host's other addresses between the reservation and the rules is refused.
/// </summary>
internal sealed class HeldPort : IDisposable
{
    private const int BindToDevice = 25; // SO_BINDTODEVICE
    private const int Backlog = 512;

    /// <summary>A free port that the kernel finds may be taken by another between its two steps, and one that was asked for by nobody.</summary>
    private const int MostTries = 16;

    private HeldPort(Socket socket, IPAddress? address, int containerPort, PortProtocol protocol)
    {
        Socket = socket;
        Address = address;
        Port = new PublishedPort(address ?? IPAddress.IPv6Any, ((IPEndPoint)socket.LocalEndPoint!).Port, containerPort, protocol);
    }

    public Socket Socket { get; }

    /// <summary>As asked for; null: every address of either family.</summary>
    public IPAddress? Address { get; }

    public PublishedPort Port { get; }

    /// <summary>At every address of the host, of one family or both.</summary>
    public bool IsAnywhere => Address is null || Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any);

    /// <summary>Addresses of this family, other than ::1, lead to the container by rules, where it has one of the family too.</summary>
    public bool IsTranslated(AddressFamily family) => Address is null || (Address.AddressFamily == family && !Address.Equals(IPAddress.IPv6Loopback));

    /// <param name="address">Where; null: every address of either family.</param>
    /// <param name="hostPort">0: any that is free.</param>
    /// <param name="containerPort">The container's port that is published so.</param>
    /// <param name="protocol">The transport protocol.</param>
    /// <param name="fromAll">
    /// It takes what comes to all addresses from the first moment on, and who comes early waits: an ordinary user may bind a socket to an
    /// interface and not take that back.
    /// </param>
    /// <exception cref="SocketException">It cannot be had.</exception>
    public static HeldPort Take(IPAddress? address, int hostPort, int containerPort, PortProtocol protocol, bool fromAll = false)
    {
        for (var attempt = 1; ; attempt++)
        {
            // Of two that are about to listen the kernel can refuse both; only where one does is the other not bound any more.
            var isBound = false;
            try
            {
                return TakeOnce(address, hostPort, containerPort, protocol, fromAll, ref isBound);
            }
            catch (SocketException taken) when ((hostPort == 0 || isBound) && taken.SocketErrorCode == SocketError.AddressAlreadyInUse && attempt < MostTries)
            {
            }
        }
    }

    /// <summary>Takes what comes from other machines too: there is no rule that could send it to the container, which has no address of that family.</summary>
    public void OpenToAll() => BindTo(Socket, string.Empty);

    public void Dispose() => Socket.Dispose();

    private static HeldPort TakeOnce(IPAddress? address, int hostPort, int containerPort, PortProtocol protocol, bool fromAll, ref bool isBound)
    {
        var both = address is null && Socket.OSSupportsIPv6;
        var bound = address ?? (both ? IPAddress.IPv6Any : IPAddress.Any);
        var socket = protocol == PortProtocol.Tcp
            ? new Socket(bound.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(bound.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (bound.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = both;
            }

            if (!fromAll)
            {
                BindTo(socket, "lo");
            }

            socket.Bind(new IPEndPoint(bound, hostPort));
            isBound = true;
            if (protocol == PortProtocol.Tcp)
            {
                socket.Listen(Backlog);
            }

            return new HeldPort(socket, address, containerPort, protocol);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void BindTo(Socket socket, string device) =>
        socket.SetRawSocketOption(Libc.SocketLevel, BindToDevice, Encoding.ASCII.GetBytes(device + '\0'));
}
