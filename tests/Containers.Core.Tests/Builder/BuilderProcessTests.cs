namespace Containers.Tests.Builder;

public sealed class BuilderProcessTests
{
    private static readonly ContainerBuilder Builder = ContainerBuilder.FromHost();

    [Fact]
    public void Command_IsCopied()
    {
        string[] words = ["sh", "-c", ""];
        var builder = Builder.WithCommand(words);
        words[0] = "changed";
        Assert.Equal(["sh", "-c", ""], builder.Spec.Command);
        Assert.Equal(["last"], builder.WithCommand("last").Spec.Command);
    }

    [Fact]
    public void Command_NotUsable_IsRefused()
    {
        Assert.Throws<ArgumentNullException>("command", () => Builder.WithCommand(null!));
        Assert.Throws<ArgumentNullException>("command", () => Builder.WithCommand("a", null!));
        Assert.Throws<ArgumentException>("command", () => Builder.WithCommand());
        Assert.Throws<ArgumentException>("command", () => Builder.WithCommand("sh", "a\0b"));
        Assert.Throws<ArgumentException>("command", () => Builder.WithCommand("sh", "\ud800"));
        Assert.Throws<ArgumentException>("entrypoint", () => Builder.WithEntrypoint());
        Assert.Throws<ArgumentException>("entrypoint", () => Builder.WithEntrypoint(""));
    }

    [Fact]
    public void Argument_LongerThanTheKernelTakes_IsRefusedWithAWayOut()
    {
        var max = 32 * Environment.SystemPageSize;
        Assert.Equal(max - 1, Builder.WithCommand("echo", new string('a', max - 1)).Spec.Command[1].Length);
        var e = Assert.Throws<ArgumentException>("command", () => Builder.WithCommand("echo", new string('a', max)));
        Assert.Contains("WithFile", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("value", () => Builder.WithEnvironment("A", new string('a', max - 2)));
    }

    [Fact]
    public void Environment_ReplacesByNameAndKeepsTheOrder()
    {
        var spec = Builder.WithEnvironment("B", "1").WithEnvironment("A", "2").WithEnvironment("B", "=3\n").Spec;
        Assert.Equal([new("B", "=3\n"), new("A", "2")], spec.Environment);
        spec = Builder.WithEnvironment("B", "1").WithEnvironment([new("C", "1"), new("B", ""), new("C", "2")]).Spec;
        Assert.Equal([new("B", ""), new("C", "2")], spec.Environment);
    }

    [Theory]
    [InlineData("", "x", "name")]
    [InlineData("A=B", "x", "name")]
    [InlineData("=", "x", "name")]
    [InlineData("A\0", "x", "name")]
    [InlineData("A", "x\0", "value")]
    [InlineData(null, "x", "name")]
    [InlineData("A", null, "value")]
    public void Environment_NotUsable_IsRefused(string? name, string? value, string parameter)
    {
        Assert.Equal(parameter, Assert.ThrowsAny<ArgumentException>(() => Builder.WithEnvironment(name!, value!)).ParamName);
        Assert.Equal("variables", Assert.ThrowsAny<ArgumentException>(() => Builder.WithEnvironment([new(name!, value!)])).ParamName);
    }

    [Fact]
    public void WorkingDirectory_IsAbsoluteAndNormalised()
    {
        Assert.Equal("/", Builder.WithWorkingDirectory("/").Spec.WorkingDirectory);
        Assert.Equal("/a/b", Builder.WithWorkingDirectory("//a/./b/").Spec.WorkingDirectory);
        Assert.Throws<ArgumentException>("path", () => Builder.WithWorkingDirectory("a"));
        Assert.Throws<ArgumentException>("path", () => Builder.WithWorkingDirectory("/a/../b"));
        Assert.Throws<ArgumentException>("path", () => Builder.WithWorkingDirectory(""));
    }

    [Fact]
    public void User_KeepsTheSupplementaryGroupsInAnyOrderOfCalls()
    {
        var user = Builder.WithSupplementaryGroups("audio", "5").WithUser("alice").Spec.User!;
        Assert.Equal(("alice", null), (user.User, user.Group));
        Assert.Equal(["audio", "5"], user.SupplementaryGroups);

        user = Builder.WithUser("alice:x").WithSupplementaryGroups("5").WithUser(7).Spec.User!;
        Assert.Equal(("7", null), (user.User, user.Group));
        Assert.Equal(["5"], user.SupplementaryGroups);
        Assert.Equal("8", Builder.WithUser(7, 8).Spec.User!.Group);
    }

    [Fact]
    public void User_NotUsable_IsRefused()
    {
        Assert.Throws<ArgumentException>("user", () => Builder.WithUser("-1"));
        Assert.Throws<ArgumentNullException>("user", () => Builder.WithUser(null!));
        Assert.Throws<ArgumentOutOfRangeException>("userId", () => Builder.WithUser(uint.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>("userId", () => Builder.WithUser(int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>("groupId", () => Builder.WithUser(0, uint.MaxValue));
        Assert.Throws<ArgumentException>("groups", () => Builder.WithSupplementaryGroups("a", "-1"));
        Assert.Throws<ArgumentNullException>("groups", () => Builder.WithSupplementaryGroups("a", null!));
    }

    [Fact]
    public void StandardInput_IsTextBytesOrAStream()
    {
        Assert.Equal("é\0"u8.ToArray(), Builder.WithStandardInput("é\0").Spec.StandardInput!.Bytes.ToArray());
        Assert.Equal([1, 2], Builder.WithStandardInput(new byte[] { 1, 2 }).Spec.StandardInput!.Bytes.ToArray());

        using var stream = new MemoryStream();
        Assert.Same(stream, Builder.WithStandardInput("x").WithStandardInput(stream).Spec.StandardInput!.Stream);
        stream.Dispose();
        Assert.Throws<ArgumentException>("stream", () => Builder.WithStandardInput(stream));
    }

    [Theory]
    [InlineData(0, 24, "columns")]
    [InlineData(-1, 24, "columns")]
    [InlineData(80, 65536, "rows")]
    [InlineData(80, 0, "rows")]
    public void Terminal_OutOfRange_IsRefused(int columns, int rows, string parameter) =>
        Assert.Throws<ArgumentOutOfRangeException>(parameter, () => Builder.WithTerminal(columns, rows));

    [Fact]
    public void Terminal_HasItsSize() => Assert.Equal(new TerminalSize(132, 50), Builder.WithTerminal(132, 50).Spec.Terminal);

    [Fact]
    public void StopSignal_IsOneOfTheKernels()
    {
        Assert.Null(Builder.Spec.StopSignal);
        Assert.Equal(Signal.Interrupt, Builder.WithStopSignal(Signal.Interrupt).Spec.StopSignal);
        Assert.Throws<ArgumentOutOfRangeException>("signal", () => Builder.WithStopSignal(default));
        Assert.Throws<ArgumentOutOfRangeException>("signal", () => Builder.WithStopSignal((Signal)32));
    }
}
