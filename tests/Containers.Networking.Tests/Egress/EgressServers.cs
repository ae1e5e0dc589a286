using System.Net;
using System.Net.Sockets;
using Containers.Netlink;

namespace Containers.Tests.Egress;

/// <summary>Listeners that answer each connection with one byte.</summary>
internal sealed class EgressServers : IDisposable
{
    private readonly List<TcpListener> _listeners = [];

    /// <param name="space">Where; null: on the host that the tests play.</param>
    /// <param name="address">The address.</param>
    /// <param name="ports">The ports.</param>
    public EgressServers(NetworkNamespace? space, IPAddress address, params int[] ports)
    {
        foreach (var port in ports)
        {
            TcpListener Make()
            {
                var made = new TcpListener(address, port);
                made.Start();
                return made;
            }

            var listener = space is null ? Make() : space.Run(Make);
            _listeners.Add(listener);
            _ = ServeAsync(listener);
        }
    }

    public void Dispose()
    {
        foreach (var listener in _listeners)
        {
            listener.Dispose();
        }
    }

    private static async Task ServeAsync(TcpListener listener)
    {
        while (true)
        {
            try
            {
                using var client = await listener.AcceptSocketAsync();
                await client.SendAsync(new byte[] { 42 });
            }
            catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
