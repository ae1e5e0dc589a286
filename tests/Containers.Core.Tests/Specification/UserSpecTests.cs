using Containers.Specification;
using FsCheck.Xunit;

namespace Containers.Tests.Specification;

public sealed class UserSpecTests
{
    [Theory]
    [InlineData("1", "1", null)]
    [InlineData("0", "0", null)]
    [InlineData("007", "7", null)]
    [InlineData("1:2", "1", "2")]
    [InlineData("2147483646", "2147483646", null)]
    [InlineData("root:root", "root", "root")]
    [InlineData("www-data", "www-data", null)]
    [InlineData("_apt:nogroup", "_apt", "nogroup")]
    [InlineData("machine$", "machine$", null)]
    [InlineData("a.b:3", "a.b", "3")]
    public void Parse_ReadsTheFourForms(string text, string user, string? group)
    {
        var spec = UserSpec.Parse(text, "user");
        Assert.Equal((user, group), (spec.User, spec.Group));
        Assert.Empty(spec.SupplementaryGroups);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData("1:")]
    [InlineData(":1")]
    [InlineData("1:2:3")]
    [InlineData("0x0")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1e3")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("2147483647")]
    [InlineData("4294967295")]
    [InlineData("4294967296")]
    [InlineData("18446744073709551616")]
    [InlineData("00000000000")]
    [InlineData("１")]
    [InlineData("root:１")]
    [InlineData("rööt")]
    [InlineData("ro ot")]
    [InlineData("ro/ot")]
    [InlineData("root\0")]
    [InlineData("root\n")]
    [InlineData("$")]
    [InlineData("#")]
    public void Parse_RefusesEverythingElse(string text) =>
        Assert.Throws<ArgumentException>("user", () => UserSpec.Parse(text, "user"));

    [Fact]
    public void Parse_RefusesAnEndlessName() =>
        Assert.Throws<ArgumentException>("user", () => UserSpec.Parse(new string('a', 257), "user"));

    [Fact]
    public void Parse_MessagesCannotForgeALine()
    {
        var e = Assert.Throws<ArgumentException>(() => UserSpec.Parse("a\nroot logged in\u001b[2J", "user"));
        Assert.DoesNotContain('\n', e.Message);
        Assert.DoesNotContain('\u001b', e.Message);
    }

    [Property]
    public bool Parse_OfAnyText_GivesASafeUserOrThrows(string text)
    {
        try
        {
            var spec = UserSpec.Parse(text, "user");
            return spec.User.All(char.IsAscii) && spec.User.Length > 0 && spec.Group is not "";
        }
        catch (ArgumentException)
        {
            return true;
        }
    }
}
