namespace Containers.Tests.Resources;

public sealed class UlimitTests
{
    // asm-generic/resource.h
    [Theory]
    [InlineData("cpu", 0)]
    [InlineData("fsize", 1)]
    [InlineData("data", 2)]
    [InlineData("stack", 3)]
    [InlineData("core", 4)]
    [InlineData("rss", 5)]
    [InlineData("nproc", 6)]
    [InlineData("nofile", 7)]
    [InlineData("memlock", 8)]
    [InlineData("as", 9)]
    [InlineData("locks", 10)]
    [InlineData("sigpending", 11)]
    [InlineData("msgqueue", 12)]
    [InlineData("nice", 13)]
    [InlineData("rtprio", 14)]
    [InlineData("rttime", 15)]
    public void Names_HaveTheKernelsNumbers(string name, int resource) =>
        Assert.Equal(resource, new Ulimit(name, 1, 2).Resource);

    [Theory]
    [InlineData("")]
    [InlineData("NOFILE")]
    [InlineData("RLIMIT_NOFILE")]
    [InlineData("files")]
    public void Names_ThatTheKernelLacks_AreRefused(string name) =>
        Assert.Throws<ArgumentException>("name", () => new Ulimit(name, 1, 1));

    [Fact]
    public void Values_MustFitTogether()
    {
        Assert.Throws<ArgumentNullException>("name", () => new Ulimit(null!, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>("soft", () => new Ulimit("core", 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>("soft", () => new Ulimit("core", Ulimit.Unlimited, 1));
        Assert.Throws<ArgumentOutOfRangeException>("hard", () => new Ulimit("nofile", 1, Ulimit.Unlimited));
        Assert.Equal(ulong.MaxValue, new Ulimit("core", 0, Ulimit.Unlimited).Hard);
    }
}
