using System.Net;
using System.Net.Sockets;
using System.Text;
using Containers.Netlink;

namespace Containers.Tests.Ports;

/// <summary>A server that says to each client from where it sees it, then sends back what it gets until the client's end.</summary>
internal sealed class EchoServer : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _serving;

    private EchoServer(Socket listener)
    {
        _listener = listener;
        _serving = listener.SocketType == SocketType.Stream ? AcceptAsync() : AnswerAsync();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    public static EchoServer Start(IPAddress address, int port = 0, NetworkNamespace? space = null, SocketType type = SocketType.Stream, bool onlySix = false)
    {
        Socket Make() => Bind(address, port, type, onlySix);
        return new EchoServer(space is null ? Make() : space.Run(Make));
    }

    public static async Task<string> ReadLineAsync(TcpClient client)
    {
        var line = new StringBuilder();
        var buffer = new byte[1];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (await client.GetStream().ReadAsync(buffer, limit.Token) == 1 && buffer[0] != '\n')
        {
            line.Append((char)buffer[0]);
        }

        return line.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        _listener.Dispose();
        _end.Dispose();
    }

    private static Socket Bind(IPAddress address, int port, SocketType type, bool onlySix)
    {
        var socket = new Socket(address.AddressFamily, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp);
        if (address.Equals(IPAddress.IPv6Any))
        {
            socket.DualMode = !onlySix;
        }

        socket.Bind(new IPEndPoint(address, port));
        if (type == SocketType.Stream)
        {
            socket.Listen();
        }

        return socket;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptAsync(_end.Token));
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using (client)
        {
            try
            {
                await client.SendAsync(Encoding.ASCII.GetBytes($"{((IPEndPoint)client.RemoteEndPoint!).Address}\n"), _end.Token);
                var buffer = new byte[64 * 1024];
                while (await client.ReceiveAsync(buffer, _end.Token) is > 0 and var received)
                {
                    await client.SendAsync(buffer.AsMemory(0, received), _end.Token);
                }

                client.Shutdown(SocketShutdown.Send);
            }
            catch (Exception ended) when (ended is OperationCanceledException or SocketException)
            {
            }
        }
    }

    private async Task AnswerAsync()
    {
        var buffer = new byte[64 * 1024];
        while (!_end.IsCancellationRequested)
        {
            try
            {
                var any = new IPEndPoint(_listener.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
                var received = await _listener.ReceiveFromAsync(buffer, SocketFlags.None, any, _end.Token);
                var client = (IPEndPoint)received.RemoteEndPoint;
                await _listener.SendToAsync(Encoding.ASCII.GetBytes($"{client.Address} {Encoding.ASCII.GetString(buffer, 0, received.ReceivedBytes)}"), SocketFlags.None, client, _end.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
            }
        }
    }
}
