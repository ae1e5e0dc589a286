using System.Net.Sockets;

namespace Containers.Ports;

/// <summary>How a container is reached where it is not by the host's own network.</summary>
internal interface IContainerSide
{
    /// <summary>A socket that belongs to the container's network; owned by whoever asks.</summary>
    /// <exception cref="SocketException">There is none.</exception>
    public ValueTask<Socket> OpenAsync(PortProtocol protocol, CancellationToken cancellationToken);

    /// <summary>That much was passed on. From any thread.</summary>
    /// <param name="received">Bytes to the container.</param>
    /// <param name="sent">Bytes from it.</param>
    public void Count(long received, long sent);
}
