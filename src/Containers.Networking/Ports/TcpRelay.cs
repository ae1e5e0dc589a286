using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Containers.Ports;

/// <summary>
/// One connection that is passed on: bytes in both directions, the end of each by itself, a reset as a reset. A side that does not read
/// stops the other's writing: no more than a buffer a direction is held, and none while nothing comes.
/// </summary>
internal static class TcpRelay
{
    private const int BufferSize = 128 * 1024;

    /// <summary>Owns the client's socket. Never throws for what either side does.</summary>
    public static async Task RunAsync(Socket client, IPEndPoint target, CancellationToken cancellationToken)
    {
        using (client)
        {
            if (!MayComeFrom(client))
            {
                Reset(client);
                return;
            }

            using var container = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await container.ConnectAsync(target, cancellationToken).ConfigureAwait(false);
                client.NoDelay = container.NoDelay = true;
                client.Blocking = container.Blocking = false;
                var there = CopyAsync(client, container, cancellationToken);
                var back = CopyAsync(container, client, cancellationToken);
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
        }
    }

    /// <summary>
    /// Loopback is for this host alone. The kernel drops what comes to 127.0.0.1 from elsewhere, unless route_localnet is on, as some
    /// other software of the host may have wanted it for itself.
    /// </summary>
    private static bool MayComeFrom(Socket client) =>
        !IPAddress.IsLoopback(((IPEndPoint)client.LocalEndPoint!).Address) || IPAddress.IsLoopback(((IPEndPoint)client.RemoteEndPoint!).Address);

    private static async Task CopyAsync(Socket from, Socket to, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Completes when there is something to read; a connection that says nothing has no buffer.
            await from.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken).ConfigureAwait(false);
            var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
            try
            {
                SocketError error;
                while (from.Receive(buffer, SocketFlags.None, out error) is > 0 and var received)
                {
                    await to.SendAsync(buffer.AsMemory(0, received), SocketFlags.None, cancellationToken).ConfigureAwait(false);
                }

                switch (error)
                {
                    case SocketError.WouldBlock:
                        continue;
                    case SocketError.Success:
                        to.Shutdown(SocketShutdown.Send);
                        return;
                    default:
                        throw new SocketException((int)error);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private static void Reset(Socket socket)
    {
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
