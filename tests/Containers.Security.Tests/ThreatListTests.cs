using System.Globalization;
using System.Text.RegularExpressions;

namespace Containers.Security.Tests;

/// <summary>docs/threats.md says which test shows what: it must not name one that is not there, nor lose a number.</summary>
public sealed partial class ThreatListTests
{
    private const int Threats = 137;

    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "threats.md"));

    [Fact]
    public void EveryThreat_HasItsRow()
    {
        var rows = Lines.Select(static line => Row().Match(line)).Where(static match => match.Success).ToArray();
        Assert.Equal(Enumerable.Range(1, Threats), rows.Select(static row => int.Parse(row.Groups["number"].ValueSpan, CultureInfo.InvariantCulture)).Order());
        Assert.All(rows, static row => Assert.All(row.Groups["cell"].Captures, cell => Assert.NotEqual("", cell.Value.Trim())));
    }

    [Fact]
    public void EveryTestNamed_IsThere()
    {
        var known = typeof(ThreatListTests).Assembly.GetTypes().Where(static type => type.Name.EndsWith("Tests", StringComparison.Ordinal))
            .SelectMany(static type => type.GetMethods().Select(method => $"{type.Name}.{method.Name}").Append(type.Name)).ToHashSet();
        foreach (var source in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Sources"), "*Tests.cs", SearchOption.AllDirectories))
        {
            var type = Path.GetFileNameWithoutExtension(source);
            known.Add(type);
            known.UnionWith(Method().Matches(File.ReadAllText(source)).Select(match => $"{type}.{match.Groups["name"].Value}"));
        }

        var named = Lines.SelectMany(static line => Reference().Matches(line).Select(static match => match.Groups["name"].Value)).ToHashSet();
        Assert.InRange(named.Count, 50, 1000);
        Assert.Empty(named.Except(known));
    }

    [GeneratedRegex(@"^\| (?<number>[0-9]+) (\|(?<cell>[^|]*)){3}\|$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Row();

    [GeneratedRegex(@"`(?<name>[A-Z]\w*Tests(\.\w+)?)`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Reference();

    [GeneratedRegex(@"public (async )?(Task|void) (?<name>\w+)\(", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Method();
}
