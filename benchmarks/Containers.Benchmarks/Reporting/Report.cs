using System.Globalization;
using System.Text;

namespace Containers.Benchmarks.Reporting;

/// <summary>The report, section by section, in markdown.</summary>
internal sealed class Report(string title = "Results")
{
    private readonly StringBuilder _text = new($"# {title}\n");

    public void Section(string title, string introduction, MarkdownTable table) =>
        _text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n{introduction}\n\n{table}");

    public void Paragraph(string text) => _text.Append('\n').Append(text).Append('\n');

    public override string ToString() => _text.ToString();

    /// <summary>Each contender's percentiles, and its p50 as a multiple of each of the others named.</summary>
    public static MarkdownTable Times(IReadOnlyList<Measurement> measurements, IReadOnlyList<string> references)
    {
        Measurement[] compared = [.. references.SelectMany(name =>
            measurements.Where(measurement => string.Equals(measurement.Name, name, StringComparison.Ordinal)))];
        var table = new MarkdownTable(["what", "p50 ms", "p90 ms", .. compared.Select(reference => $"× {reference.Name}")]);
        foreach (Measurement measurement in measurements)
        {
            table.Add([
                measurement.Name,
                Milliseconds(measurement.P50),
                Milliseconds(measurement.P90),
                .. compared.Select(reference => Ratio(measurement.P50 / reference.P50)),
            ]);
        }

        return table;
    }

    /// <summary>Calls by name, the most frequent of the first column first.</summary>
    public static MarkdownTable SystemCalls(IReadOnlyList<SystemCallCounts> counts)
    {
        var table = new MarkdownTable(["system call", .. counts.Select(count => count.Name)]);
        table.Add(["all", .. counts.Select(count => Count(count.Total))]);
        IEnumerable<string> names = counts.SelectMany(count => count.Calls.Keys).Distinct()
            .OrderByDescending(name => counts[0].Calls.GetValueOrDefault(name))
            .ThenBy(name => name, StringComparer.Ordinal);
        foreach (string name in names)
        {
            table.Add([name, .. counts.Select(count => count.Calls.TryGetValue(name, out double calls) ? Count(calls) : string.Empty)]);
        }

        return table;
    }

    public static MarkdownTable Budget(IEnumerable<(string What, double Measured, double Limit, string Unit)> rows)
    {
        var table = new MarkdownTable("budget", "measured", "at most", "held");
        foreach ((string what, double measured, double limit, string unit) in rows)
        {
            table.Add(what, $"{Ratio(measured)} {unit}", $"{Ratio(limit)} {unit}", measured <= limit ? "yes" : "NO");
        }

        return table;
    }

    private static string Milliseconds(double microseconds) => (microseconds / 1000).ToString("0.00", CultureInfo.InvariantCulture);

    private static string Ratio(double ratio) => ratio.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Count(double calls) => calls.ToString("0.#", CultureInfo.InvariantCulture);
}
