using System.Diagnostics;
using System.Net.Sockets;

namespace Containers.Benchmarks.Names;

/// <summary>Clients that each have a number of questions under way, and ask one more with each answer.</summary>
internal sealed class NameLoad(NameQuestion question, int clients, int window, int answers)
{
    /// <summary>Milliseconds after which a question is lost, and the next one asked.</summary>
    public const int Patience = 1000;
    private const int MostSilences = 5;

    /// <summary>Answers a second, the median and the 99th percentile in microseconds, what was allocated for each in this process, and questions without an address in time.</summary>
    public readonly record struct Result(double Rate, double P50, double P99, double AllocatedBytes, long Lost);

    /// <summary>Asks until all has been answered.</summary>
    public Result Run()
    {
        Socket[] sockets = [.. Enumerable.Range(0, clients).Select(_ => question.Connect())];
        long[][] times = [.. sockets.Select(_ => new long[answers])];
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        long since = Stopwatch.GetTimestamp();
        Task<int>[] loads = [.. sockets.Zip(times, (socket, times) => Task.Factory.StartNew(() => Ask(socket, times), TaskCreationOptions.LongRunning))];
        int lost = Task.WhenAll(loads).GetAwaiter().GetResult().Sum();
        double seconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        Array.ForEach(sockets, static socket => socket.Dispose());
        double[] sorted = [.. times.SelectMany(static client => client).Select(static ticks => ticks * 1e6 / Stopwatch.Frequency).Order()];
        return new Result((sorted.Length - lost) / seconds, sorted[sorted.Length / 2], sorted[(int)(sorted.Length * 0.99)], (double)allocated / sorted.Length, lost);
    }

    /// <summary>Asks with one socket until all times are there; how many questions were lost.</summary>
    private int Ask(Socket socket, long[] times)
    {
        long patience = Patience * Stopwatch.Frequency / 1000;
        socket.ReceiveTimeout = Patience;
        var sent = new long[window];
        var turns = new byte[window];
        byte[] message = question.Message();
        var answer = new byte[4096];
        int ended = 0, lost = 0, silences = 0;
        for (int slot = 0; slot < window; slot++)
        {
            Send(slot);
        }

        while (ended < times.Length && silences < MostSilences)
        {
            bool isAnswer = Receive();
            silences = isAnswer ? 0 : silences + 1;
            long now = Stopwatch.GetTimestamp();

            // Whatever comes after its time was given up is nobody's.
            if (isAnswer && answer[0] < window && answer[1] == turns[answer[0]])
            {
                const int codeBits = 15;
                End(answer[0], now, hasAddress: (answer[3] & codeBits) == 0 && answer[7] > 0);
            }

            for (int slot = 0; slot < window && ended < times.Length; slot++)
            {
                if (now - sent[slot] >= patience)
                {
                    End(slot, now, hasAddress: false);
                }
            }
        }

        // Nobody is there any more.
        times.AsSpan(ended).Fill(patience);
        return lost + times.Length - ended;

        void Send(int slot)
        {
            (message[0], message[1]) = ((byte)slot, ++turns[slot]);
            sent[slot] = Stopwatch.GetTimestamp();
            socket.Send(message);
        }

        void End(int slot, long now, bool hasAddress)
        {
            times[ended++] = now - sent[slot];
            lost += hasAddress ? 0 : 1;
            Send(slot);
        }

        bool Receive()
        {
            try
            {
                return socket.Receive(answer) > 0;
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                return false;
            }
        }
    }
}
