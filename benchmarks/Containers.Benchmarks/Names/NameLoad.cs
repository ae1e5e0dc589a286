using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Containers.Benchmarks.Names;

/// <summary>Clients that each have a number of questions under way, and ask one more with each answer.</summary>
internal sealed class NameLoad(IPEndPoint server, byte[] query, int clients, int window, int answers)
{
    private const int Patience = 5000;

    /// <summary>Answers a second, the median and the 99th percentile in microseconds, and what was allocated for each in this process.</summary>
    public readonly record struct Result(double Rate, double P50, double P99, double AllocatedBytes, long Lost);

    /// <summary>Asks until all has been answered.</summary>
    public Result Run()
    {
        var times = new long[clients][];
        var lost = 0L;
        var threads = Enumerable.Range(0, clients).Select(client => new Thread(() => Interlocked.Add(ref lost, Ask(times[client] = new long[answers])))).ToArray();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        long since = Stopwatch.GetTimestamp();
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        double seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated - (clients * (long)answers * sizeof(long));
        double[] sorted = [.. times.SelectMany(static client => client).Select(static ticks => ticks * 1e6 / Stopwatch.Frequency).Order()];
        return new Result(clients * answers / seconds, sorted[sorted.Length / 2], sorted[(int)(sorted.Length * 0.99)], (double)allocated / (clients * answers), lost);
    }

    private long Ask(long[] times)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = Patience };
        socket.Connect(server);
        var sent = new long[window];
        byte[] message = [.. query];
        byte[] answer = new byte[4096];
        long lost = 0;
        for (int slot = 0; slot < window; slot++)
        {
            Send(slot);
        }

        for (int i = 0; i < times.Length; i++)
        {
            try
            {
                socket.Receive(answer);
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                throw new BenchmarkException($"{server} has not answered for {Patience} ms, after {i} answers");
            }

            int slot = (answer[0] << 8) | answer[1];
            if ((answer[3] & 15) != 0 || answer[7] == 0)
            {
                lost++;
            }

            times[i] = Stopwatch.GetTimestamp() - sent[slot];
            Send(slot);
        }

        return lost;

        void Send(int slot)
        {
            (message[0], message[1]) = ((byte)(slot >> 8), (byte)slot);
            sent[slot] = Stopwatch.GetTimestamp();
            socket.Send(message);
        }
    }
}
