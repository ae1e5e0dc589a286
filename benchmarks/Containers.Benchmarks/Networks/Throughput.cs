using System.Globalization;
using System.Text.Json;
using Containers.Benchmarks.Reporting;

namespace Containers.Benchmarks.Networks;

/// <summary>
/// What iperf3 brings over each way, ours and podman's in turn. A machine's speed drifts within seconds, so many short rounds tell more than
/// few long ones: what is compared was measured in the same second.
/// </summary>
/// <param name="rounds">Measurements of each.</param>
/// <param name="megabytes">Length of each, in MiB.</param>
internal sealed class Throughput(int rounds, int megabytes)
{
    private readonly List<Way> _ways = [];

    /// <summary>iperf3 as a client of a server, to which it sends.</summary>
    public string[] Upload(string address, int port) => ["iperf3", "-c", address, "-p", Text(port), "-n", $"{Text(megabytes)}M", "-J"];

    /// <summary>The same, and the server sends.</summary>
    public string[] Download(string address, int port) => [.. Upload(address, port), "-R"];

    /// <summary>Measures one way: each function runs a client, and returns what it said.</summary>
    public async Task MeasureAsync(string way, Func<Task<string>> ours, Func<Task<string>>? theirs)
    {
        var measured = new Way(way, [], []);
        for (int round = 0; round < rounds; round++)
        {
            // Whoever comes second might find the machine as the first has left it.
            bool isFirst = round % 2 == 0;
            if (theirs is not null && !isFirst)
            {
                measured.Theirs.Add(await RateAsync(theirs));
            }

            measured.Ours.Add(await RateAsync(ours));
            if (theirs is not null && isFirst)
            {
                measured.Theirs.Add(await RateAsync(theirs));
            }
        }

        _ways.Add(measured);
    }

    /// <summary>A row for each way.</summary>
    public MarkdownTable Table()
    {
        var table = new MarkdownTable("way", "Gbit/s", "podman Gbit/s", "× podman", "uncertain by");
        foreach (Way way in _ways)
        {
            table.Add(way.Name, Figure(Median(way.Ours)), Figure(Median(way.Theirs)), Figure(way.Ratio), Figure(way.Uncertainty));
        }

        return table;
    }

    /// <summary>podman's rate as a multiple of ours, for each way both have.</summary>
    public IEnumerable<(string Way, double Ratio)> Ratios => _ways.Where(static way => way.Theirs.Count > 0).Select(static way => (way.Name, 1 / way.Ratio));

    private static async Task<double> RateAsync(Func<Task<string>> run)
    {
        // A server that has just been asked may still be about to finish.
        const string busy = "the server is busy";
        const int mostTries = 5;
        for (int attempt = 1; ; attempt++)
        {
            string said = await run();
            using JsonDocument document = JsonDocument.Parse(said[said.IndexOf('{', StringComparison.Ordinal)..]);
            if (document.RootElement.GetProperty("end").TryGetProperty("sum_received", out JsonElement received))
            {
                return received.GetProperty("bits_per_second").GetDouble() / 1e9;
            }

            if (attempt == mostTries || !said.Contains(busy, StringComparison.Ordinal))
            {
                throw new BenchmarkException($"iperf3 measured nothing:\n{said}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }
    }

    private static double Median(List<double> values) => values.Count == 0 ? double.NaN : values.Order().ElementAt(values.Count / 2);

    private static string Figure(double value) => double.IsNaN(value) ? string.Empty : value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>What each round brought.</summary>
    private sealed record Way(string Name, List<double> Ours, List<double> Theirs)
    {
        /// <summary>Ours as a multiple of podman's: the median of the rounds, of which each has both close together in time.</summary>
        public double Ratio => Median(Ratios);

        /// <summary>Two standard errors of that median, by the middle half of the rounds: as of normally scattered values.</summary>
        public double Uncertainty
        {
            get
            {
                const double errorOfMedian = 1.253;
                const double middleHalf = 1.349;
                double[] sorted = [.. Ratios.Order()];
                return sorted.Length == 0
                    ? double.NaN
                    : 2 * errorOfMedian * (sorted[sorted.Length * 3 / 4] - sorted[sorted.Length / 4]) / middleHalf / Math.Sqrt(sorted.Length);
            }
        }

        private List<double> Ratios => [.. Ours.Zip(Theirs, static (ours, theirs) => ours / theirs)];
    }
}
