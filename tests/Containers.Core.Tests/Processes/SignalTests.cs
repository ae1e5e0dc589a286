namespace Containers.Tests.Processes;

public sealed class SignalTests
{
    [Fact]
    public void Signals_AreTheStandardOnesEachOnce() =>
        Assert.Equal(Enumerable.Range(1, 31), Enum.GetValues<Signal>().Select(signal => (int)signal));
}
