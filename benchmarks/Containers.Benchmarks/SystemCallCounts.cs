using System.Globalization;
using Containers.Benchmarks.Processes;

namespace Containers.Benchmarks;

/// <summary>The system calls of one run, as strace counts them in all processes it takes.</summary>
internal sealed record SystemCallCounts(string Name, IReadOnlyDictionary<string, double> Calls)
{
    // Programs that do many runs in one process are traced with one and with eleven: the difference leaves out their start.
    private const int ManyRuns = 11;

    public double Total => Calls.Values.Sum();

    public static SystemCallCounts Of(PeerThread peers, string name, params string[] command) =>
        new(name, Trace(peers, command));

    public static SystemCallCounts OfRepeated(PeerThread peers, string name, Func<string, string[]> commandForRuns)
    {
        Dictionary<string, double> once = Trace(peers, commandForRuns("1"));
        Dictionary<string, double> often = Trace(peers, commandForRuns(ManyRuns.ToString(CultureInfo.InvariantCulture)));
        var calls = often
            .Select(call => (call.Key, Value: (call.Value - once.GetValueOrDefault(call.Key)) / (ManyRuns - 1)))
            .Where(call => call.Value > 0)
            .ToDictionary(call => call.Key, call => call.Value);
        return new SystemCallCounts(name, calls);
    }

    private static Dictionary<string, double> Trace(PeerThread peers, string[] command)
    {
        string file = Path.GetTempFileName();
        try
        {
            peers.Require(["strace", "-f", "-c", "-o", file, "--", .. command]);
            return Parse(File.ReadLines(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Dictionary<string, double> Parse(IEnumerable<string> lines)
    {
        // Rows between two rules: share, seconds, microseconds a call, calls, errors if any, name.
        const int callsColumn = 3;
        var calls = new Dictionary<string, double>();
        bool inside = false;
        foreach (string line in lines)
        {
            if (line.StartsWith("------", StringComparison.Ordinal))
            {
                if (inside)
                {
                    break;
                }

                inside = true;
            }
            else if (inside)
            {
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                calls[words[^1]] = double.Parse(words[callsColumn], CultureInfo.InvariantCulture);
            }
        }

        return calls;
    }
}
