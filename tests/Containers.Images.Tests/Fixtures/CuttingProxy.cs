using System.Net;
using System.Net.Sockets;

namespace Containers.Tests.Fixtures;

/// <summary>A line to a server that breaks: each connection after a number of bytes by chance, as long as that is wanted.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Random _random;
    private readonly IPEndPoint _server;
    private readonly int _most;
    private readonly Task _accepting;
    private int _cuts;

    /// <param name="server">The host and port of what is behind.</param>
    /// <param name="seed">Of the chance.</param>
    /// <param name="most">How many bytes a connection brings at most.</param>
    public CuttingProxy(string server, int seed, int most)
    {
        _server = IPEndPoint.Parse(server);
        _random = new Random(seed);
        _most = most;
        _listener.Start();
        Host = _listener.LocalEndpoint.ToString()!;
        _accepting = AcceptAsync();
    }

    public string Host { get; }

    public bool IsCutting { get; set; } = true;

    public int Cuts => _cuts;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_end.Token);
                connections.Add(RelayAsync(client, IsCutting ? _random.Next(_most) : long.MaxValue, _random.Next(2) == 0));
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task RelayAsync(Socket client, long bytes, bool reset)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using (client)
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
            try
            {
                await server.ConnectAsync(_server, end.Token);
                var there = CopyAsync(client, server, long.MaxValue, end.Token);
                var isCut = await CopyAsync(server, client, bytes, end.Token);
                if (isCut)
                {
                    Interlocked.Increment(ref _cuts);
                    client.LingerState = new LingerOption(reset, 0);
                }

                await end.CancelAsync();
                await there;
            }
            catch (Exception broken) when (broken is SocketException or OperationCanceledException)
            {
                // Either end has gone.
            }
        }
    }

    private static async Task<bool> CopyAsync(Socket from, Socket to, long bytes, CancellationToken cancellationToken)
    {
        var buffer = new byte[16384];
        while (bytes > 0)
        {
            var count = await from.ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, bytes)), cancellationToken);
            if (count == 0)
            {
                return false;
            }

            for (var sent = 0; sent < count;)
            {
                sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), cancellationToken);
            }

            bytes -= count;
        }

        return true;
    }
}
