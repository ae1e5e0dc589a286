using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Containers.Tests.Networks;

/// <summary>A service at all addresses of the host, or of another machine: answers each request with who asks.</summary>
internal sealed class TinyServer : IDisposable
{
    public const string Answer = "you are ";

    private readonly Socket _socket;

    public TinyServer(TestNamespace? space = null)
    {
        _socket = space is null ? Listen() : space.Namespace.Run(Listen);
        Port = ((IPEndPoint)_socket.LocalEndPoint!).Port;
        _ = Task.Run(ServeAsync);
    }

    public int Port { get; }

    /// <summary>A command that asks it.</summary>
    public string GetFrom(IPAddress address) =>
        $"timeout 2 wget -qO- http://{(address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address)}:{Port}/";

    public void Dispose() => _socket.Dispose();

    private static Socket Listen()
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        socket.Listen();
        return socket;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _socket.AcceptAsync();
                var asker = ((IPEndPoint)client.RemoteEndPoint!).Address;
                var body = Answer + (asker.IsIPv4MappedToIPv6 ? asker.MapToIPv4() : asker);
                await client.ReceiveAsync(new byte[4096]);
                await client.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.0 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
                client.Shutdown(SocketShutdown.Both);
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }
}
