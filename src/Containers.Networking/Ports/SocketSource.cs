using System.Net.Sockets;

namespace Containers.Ports;

/// <summary>Opens a socket by which a container can be reached; owned by whoever asks.</summary>
/// <param name="cancellationToken">Gives up.</param>
/// <exception cref="SocketException">There is none.</exception>
internal delegate ValueTask<Socket> SocketSource(CancellationToken cancellationToken);
