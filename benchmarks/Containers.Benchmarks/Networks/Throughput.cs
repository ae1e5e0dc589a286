using System.Globalization;
using System.Text.Json;
using Containers.Benchmarks.Reporting;

namespace Containers.Benchmarks.Networks;

/// <summary>What iperf3 brings over each way, ours and podman's in turn.</summary>
/// <param name="rounds">Measurements of each.</param>
/// <param name="seconds">Length of each.</param>
internal sealed class Throughput(int rounds, int seconds)
{
    private readonly List<(string Way, double Ours, double Theirs)> _results = [];

    /// <summary>iperf3 as a client of a server.</summary>
    public string[] Client(string address, int port) => ["iperf3", "-c", address, "-p", Text(port), "-t", Text(seconds), "-J"];

    /// <summary>Measures one way: each function runs a client, and returns what it said.</summary>
    public async Task MeasureAsync(string way, Func<Task<string>> ours, Func<Task<string>>? theirs)
    {
        var rates = (Ours: new List<double>(), Theirs: new List<double>());
        for (int round = 0; round < rounds; round++)
        {
            rates.Ours.Add(Rate(await ours()));
            if (theirs is not null)
            {
                rates.Theirs.Add(Rate(await theirs()));
            }
        }

        _results.Add((way, Median(rates.Ours), theirs is null ? double.NaN : Median(rates.Theirs)));
    }

    /// <summary>A row for each way.</summary>
    public MarkdownTable Table()
    {
        var table = new MarkdownTable("way", "Gbit/s", "podman Gbit/s", "× podman");
        foreach ((string way, double ours, double theirs) in _results)
        {
            table.Add(way, Figure(ours), Figure(theirs), Figure(ours / theirs));
        }

        return table;
    }

    /// <summary>podman's rate as a multiple of ours, for each way both have.</summary>
    public IEnumerable<(string Way, double Ratio)> Ratios => _results.Where(static result => !double.IsNaN(result.Theirs)).Select(static result => (result.Way, result.Theirs / result.Ours));

    private static double Rate(string said)
    {
        using JsonDocument document = JsonDocument.Parse(said[said.IndexOf('{', StringComparison.Ordinal)..]);
        return document.RootElement.GetProperty("end").GetProperty("sum_received").GetProperty("bits_per_second").GetDouble() / 1e9;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Figure(double value) => double.IsNaN(value) ? string.Empty : value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
