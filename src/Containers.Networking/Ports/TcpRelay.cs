using System.Net;
using System.Net.Sockets;

namespace Containers.Ports;

/// <summary>One connection that is passed on: bytes in both directions, the end of each by itself, a reset as a reset.</summary>
internal static class TcpRelay
{
    /// <summary>Owns the client's socket. Never throws for what either side does.</summary>
    public static async Task RunAsync(Socket client, IPEndPoint target, IContainerSide? inside, CancellationToken cancellationToken)
    {
        Socket? container = null;
        using (client)
        {
            try
            {
                if (!MayComeFrom(client))
                {
                    Reset(client);
                    return;
                }

                container = inside is null
                    ? new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
                    : await inside.OpenAsync(PortProtocol.Tcp, cancellationToken).ConfigureAwait(false);
                await container.ConnectAsync(target, cancellationToken).ConfigureAwait(false);
                client.NoDelay = container.NoDelay = true;
                client.Blocking = container.Blocking = false;
                var there = CopyAsync(client, container, inside is null ? null : count => inside.Count(count, 0), cancellationToken);
                var back = CopyAsync(container, client, inside is null ? null : count => inside.Count(0, count), cancellationToken);
                if (await Task.WhenAny(there, back).ConfigureAwait(false) is { IsCompletedSuccessfully: false })
                {
                    // The other direction waits for a side that may not know yet.
                    Reset(client);
                    Reset(container);
                }

                await Task.WhenAll(there, back).ConfigureAwait(false);
            }
            catch (Exception ended) when (ended is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                Reset(client);
                Reset(container);
            }
            finally
            {
                container?.Dispose();
            }
        }
    }

    private static async Task CopyAsync(Socket from, Socket to, Action<long>? count, CancellationToken cancellationToken)
    {
        using var stream = new TcpStreamCopy(from, to, count);
        await stream.RunAsync(cancellationToken).ConfigureAwait(false);
        to.Shutdown(SocketShutdown.Send);
    }

    /// <summary>
    /// Loopback is for this host alone. The kernel drops what comes to 127.0.0.1 from elsewhere, unless route_localnet is on, as some
    /// other software of the host may have wanted it for itself.
    /// </summary>
    private static bool MayComeFrom(Socket client) =>
        !IsLoopback(client.LocalEndPoint) || IsLoopback(client.RemoteEndPoint);

    private static bool IsLoopback(EndPoint? end) => IPAddress.IsLoopback(((IPEndPoint)end!).Address);

    private static void Reset(Socket? socket)
    {
        if (socket is null)
        {
            return;
        }

        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
        }

        socket.Dispose();
    }
}
