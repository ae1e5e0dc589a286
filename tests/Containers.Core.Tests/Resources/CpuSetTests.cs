using System.Globalization;
using FsCheck.Xunit;

namespace Containers.Tests.Resources;

public sealed class CpuSetTests
{
    [Theory]
    [InlineData("0", "0", 1)]
    [InlineData("0-2,6,8", "0-2,6,8", 5)]
    [InlineData("8,6,2,1,0", "0-2,6,8", 5)]
    [InlineData("0-3,2-5", "0-5", 6)]
    [InlineData("1,1,1", "1", 1)]
    [InlineData("3-3", "3", 1)]
    [InlineData("0,1", "0-1", 2)]
    [InlineData("007", "7", 1)]
    [InlineData("63-64", "63-64", 2)]
    [InlineData("0-8191", "0-8191", 8192)]
    public void Parse_Normalises(string text, string list, int count)
    {
        var set = CpuSet.Parse(text);
        Assert.Equal(list, set.List);
        Assert.Equal(list, set.ToString());
        Assert.Equal(count, set.Count);
        Assert.True(CpuSet.TryParse(text, out var same));
        Assert.Equal(set, same);
        Assert.Equal(set, new CpuSet(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("0,")]
    [InlineData(",0")]
    [InlineData("-")]
    [InlineData("-1")]
    [InlineData("1-")]
    [InlineData("2-0")]
    [InlineData("0-1-2")]
    [InlineData("8192")]
    [InlineData("0-8192")]
    [InlineData("4294967296")]
    [InlineData("0 - 2")]
    [InlineData(" 0")]
    [InlineData("0\n")]
    [InlineData("+1")]
    [InlineData("a")]
    [InlineData("0-10:2/4")]
    [InlineData("１")]
    public void Parse_RefusesWhatIsNoList(string text)
    {
        Assert.Throws<FormatException>(() => CpuSet.Parse(text));
        Assert.Throws<ArgumentException>("list", () => new CpuSet(text));
        Assert.False(CpuSet.TryParse(text, out var set));
        Assert.Null(set);
    }

    [Fact]
    public void Parse_SaysHowToTurnABackwardsRange() =>
        Assert.Contains("'0-2'", Assert.Throws<FormatException>(() => CpuSet.Parse("2-0")).Message, StringComparison.Ordinal);

    [Property]
    public bool Parse_KeepsExactlyTheProcessorsGiven(ushort[] numbers)
    {
        var processors = numbers.Select(n => n % 8192).ToArray();
        if (processors.Length == 0)
        {
            return true;
        }

        var set = CpuSet.Parse(string.Join(',', processors));
        var listed = set.List.Split(',').SelectMany(part =>
        {
            var ends = part.Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture)).ToArray();
            return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
        }).ToArray();

        return listed.SequenceEqual(processors.Distinct().Order()) && set.Count == listed.Length && CpuSet.Parse(set.List) == set;
    }

    [Property]
    public bool TryParse_NeverThrows(string? text) => CpuSet.TryParse(text, out var set) == (set is not null);
}
