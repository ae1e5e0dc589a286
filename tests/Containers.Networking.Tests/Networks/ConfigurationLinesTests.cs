using Containers.Networks;

namespace Containers.Tests.Networks;

/// <summary>The engine's lines among others.</summary>
public class ConfigurationLinesTests
{
    [Theory]
    [InlineData("", "", "a\n", "a\n")]
    [InlineData("a\n", "a\n", "", "")]
    [InlineData("a\nb\nc\n", "b\n", "d\n", "a\nd\nc\n")]
    [InlineData("mine\n", "", "a\nb\n", "mine\na\nb\n")]
    [InlineData("a\nmine\nb\n", "a\nb\n", "b\nc\n", "c\nmine\nb\n")]
    [InlineData("a\n# a\na b\n", "a\n", "b\n", "b\n# a\na b\n")]
    [InlineData("a\na\n", "a\n", "b\n", "b\n")]
    [InlineData("mine", "", "a\n", "mine\na\n")]
    [InlineData("b\n", "a\n", "b\n", "b\n")]
    [InlineData("mine\n", "a\n", "", "mine\n")]
    [InlineData("mine", "a\n", "a\n", "mine")]
    [InlineData("\n\nmine\n\n", "a\n", "b\n", "\n\nmine\n\nb\n")]
    [InlineData("\u00ff\u0000\r\na\n", "a\n", "b\n", "\u00ff\u0000\r\nb\n")]
    public void Lines_OfTheEngineAreExchangedAndAllOthersStay(string present, string before, string after, string expected) =>
        Assert.Equal(expected, ConfigurationLines.Exchange(present, before, after));

    [Fact]
    public void Exchanging_TwiceIsAsOnce()
    {
        var once = ConfigurationLines.Exchange("mine\na\n", "a\n", "b\nc\n");
        Assert.Equal(once, ConfigurationLines.Exchange(once, "a\n", "b\nc\n"));
    }
}
