using System.Net;
using System.Net.Sockets;
using System.Text;
using Containers.Netlink;

namespace Containers.Tests.Ports;

/// <summary>Asks an <see cref="EchoServer"/>, from any network, from where it sees the client.</summary>
internal static class Client
{
    private const int MostAttempts = 5;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>A socket in a network namespace; null: the host's.</summary>
    public static Socket Open(NetworkNamespace? space, AddressFamily family, SocketType type)
    {
        Socket Make() => new(family, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp);
        return space is null ? Make() : space.Run(Make);
    }

    /// <summary>The same where there will be an answer, if not at once: a machine that is busy, a packet that was lost.</summary>
    public static async Task<string?> HearAsync(NetworkNamespace? space, IPEndPoint server, SocketType type = SocketType.Stream)
    {
        string? answer = null;
        for (var attempt = 0; attempt < MostAttempts && answer is null; attempt++)
        {
            answer = await AskAsync(space, server, type);
        }

        return answer;
    }

    /// <summary>Over a connected socket.</summary>
    public static async Task<string?> HearAsync(Socket socket)
    {
        string? answer = null;
        for (var attempt = 0; attempt < MostAttempts && answer is null; attempt++)
        {
            answer = await AskAsync(socket);
        }

        return answer;
    }

    /// <returns>The address; null: refused, or no answer.</returns>
    public static async Task<string?> AskAsync(NetworkNamespace? space, IPEndPoint server, SocketType type = SocketType.Stream)
    {
        using var socket = Open(space, server.AddressFamily, type);
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await socket.ConnectAsync(server, limit.Token);
            return await AskAsync(socket);
        }
        catch (Exception refused) when (refused is SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Over a connected socket. Of datagrams some are sent, as one may be lost.</summary>
    public static async Task<string?> AskAsync(Socket socket)
    {
        var buffer = new byte[256];
        for (var attempt = 0; attempt < 3; attempt++)
        {
            using var limit = new CancellationTokenSource(Limit / 3);
            try
            {
                await socket.SendAsync("\n"u8.ToArray(), limit.Token);
                var received = await socket.ReceiveAsync(buffer, limit.Token);
                if (received > 0)
                {
                    var address = IPAddress.Parse(Encoding.ASCII.GetString(buffer, 0, received).Split('\n')[0].Trim());
                    return (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
                }
            }
            catch (Exception refused) when (refused is SocketException or OperationCanceledException)
            {
            }
        }

        return null;
    }
}
