using Containers.Egress;
using Containers.Networks;

namespace Containers.Tests.Egress;

/// <summary>What a policy may say.</summary>
public class EgressPolicyTests
{
    [Theory]
    [InlineData("10.0.0.0/8", "10.0.0.0/8")]
    [InlineData("10.0.0.7", "10.0.0.7/32")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("2001:DB8::/32", "2001:db8::/32")]
    [InlineData("2001:db8:0:0::7", "2001:db8::7/128")]
    [InlineData("::/0", "::/0")]
    [InlineData("::", "::/128")]
    [InlineData("fe80::/10", "fe80::/10")]
    public void Network_IsWhatItSays(string text, string network) =>
        Assert.Equal(network, Assert.IsType<DestinationRule>(Assert.Single(EgressPolicy.Nothing.Allow(text).Rules)).Network.ToString());

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("example.org")]
    [InlineData("1")]
    [InlineData("10.1")]
    [InlineData("10.0.0/8")]
    [InlineData("10/8")]
    [InlineData("010.0.0.0/8")]
    [InlineData("010.0.0.1")]
    [InlineData("0x0a.0.0.1")]
    [InlineData("10.0.0.256")]
    [InlineData("10.0.0.1/8")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/+8")]
    [InlineData("10.0.0.0/08")]
    [InlineData("10.0.0.0/ 8")]
    [InlineData("10.0.0.0/8 ")]
    [InlineData(" 10.0.0.0/8")]
    [InlineData("10.0.0.0/")]
    [InlineData("/8")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("10.0.0.0/255.0.0.0")]
    [InlineData("10.0.0.0:80")]
    [InlineData("10.0.0.0/8\n")]
    [InlineData("2001:db8::1/32")]
    [InlineData("2001:db8::/129")]
    [InlineData("[2001:db8::]")]
    [InlineData("[2001:db8::]/32")]
    [InlineData("[2001:db8::]:80")]
    [InlineData("fe80::1%1")]
    [InlineData("fe80::%eth0/64")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::ffff:10.0.0.0/104")]
    [InlineData("2001:db8::/032")]
    public void Network_ThatIsNoneIsRefused(string text)
    {
        Assert.ThrowsAny<ArgumentException>(() => EgressPolicy.Nothing.Allow(text));
        Assert.Equal("network", Assert.ThrowsAny<ArgumentException>(() => EgressPolicy.Nothing.Allow(text, 443)).ParamName);
        Assert.Equal("network", Assert.ThrowsAny<ArgumentException>(() => EgressPolicy.Nothing.AllowPorts(text, 1, 2)).ParamName);
    }

    [Theory]
    [InlineData("example.org", "example.org")]
    [InlineData("EXAMPLE.Org.", "example.org")]
    [InlineData("*.Example.org", "*.example.org")]
    [InlineData("db", "db")]
    [InlineData("_sip._tcp.example.org", "_sip._tcp.example.org")]
    [InlineData("m\u00fcnchen.example", "xn--mnchen-3ya.example")]
    [InlineData("*.m\u00fcnchen.example", "*.xn--mnchen-3ya.example")]
    public void Name_IsWhatItSays(string text, string name) =>
        Assert.Equal(name, Assert.IsType<NameRule>(Assert.Single(EgressPolicy.Nothing.AllowName(text, 443).Rules)).Name);

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("*")]
    [InlineData("*.")]
    [InlineData("*.*.org")]
    [InlineData("a.*.org")]
    [InlineData("*a.org")]
    [InlineData("**.org")]
    [InlineData(".example.org")]
    [InlineData("example..org")]
    [InlineData("example.org..")]
    [InlineData("-a.org")]
    [InlineData("a-.org")]
    [InlineData("exa mple.org")]
    [InlineData("example.org ")]
    [InlineData("example.org\n")]
    [InlineData("example.org:443")]
    [InlineData("https://example.org")]
    [InlineData("example.org/")]
    [InlineData("10.0.0.1")]
    [InlineData("*.10.0.0.1")]
    [InlineData("2001:db8::1")]
    [InlineData("[2001:db8::1]")]
    [InlineData("a\0b.org")]
    public void Name_ThatIsNoneIsRefused(string text) =>
        Assert.Equal("name", Assert.ThrowsAny<ArgumentException>(() => EgressPolicy.Nothing.AllowName(text, 443)).ParamName);

    [Fact]
    public void Name_HasTheLengthThatNamesHave()
    {
        var label = new string('a', 63);
        var longest = string.Join('.', label, label, label, new string('a', 61));
        Assert.Equal(253, longest.Length);
        Assert.NotNull(EgressPolicy.Nothing.AllowName(longest, 443));
        Assert.Throws<ArgumentException>(() => EgressPolicy.Nothing.AllowName(longest + "a", 443));
        Assert.Throws<ArgumentException>(() => EgressPolicy.Nothing.AllowName(label + "a.org", 443));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65536)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void Port_ThatIsNoneIsRefused(int port)
    {
        Assert.Equal("port", Assert.Throws<ArgumentOutOfRangeException>(() => EgressPolicy.Nothing.Allow("10.0.0.0/8", port)).ParamName);
        Assert.Equal("port", Assert.Throws<ArgumentOutOfRangeException>(() => EgressPolicy.Nothing.AllowName("example.org", port)).ParamName);
        Assert.Equal("port", Assert.Throws<ArgumentOutOfRangeException>(() => EgressPolicy.Nothing.AllowHost(port)).ParamName);
        Assert.Throws<ArgumentOutOfRangeException>(() => EgressPolicy.Nothing.AllowPorts("10.0.0.0/8", port, 80));
        Assert.Throws<ArgumentOutOfRangeException>(() => EgressPolicy.Nothing.AllowPorts("10.0.0.0/8", 80, port));
    }

    [Fact]
    public void Ports_BackwardsAndUnknownProtocolsAreRefused()
    {
        Assert.Equal("lastPort", Assert.Throws<ArgumentOutOfRangeException>(() => EgressPolicy.Nothing.AllowPorts("10.0.0.0/8", 81, 80)).ParamName);
        Assert.NotNull(EgressPolicy.Nothing.AllowPorts("10.0.0.0/8", 1, 65535));
        Assert.NotNull(EgressPolicy.Nothing.AllowPorts("10.0.0.0/8", 80, 80));
        Assert.Throws<ArgumentOutOfRangeException>("protocol", () => EgressPolicy.Nothing.Allow("10.0.0.0/8", 80, (PortProtocol)7));
        Assert.Throws<ArgumentOutOfRangeException>("protocol", () => EgressPolicy.Nothing.AllowName("example.org", 80, (PortProtocol)(-1)));
        Assert.Throws<ArgumentOutOfRangeException>("protocol", () => EgressPolicy.Nothing.AllowHost(80, (PortProtocol)7));
    }

    [Fact]
    public void Limits_ThatSendNothingAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>("bytesPerSecond", () => EgressPolicy.Nothing.Limit(new ByteSize(0)));
        Assert.Throws<ArgumentOutOfRangeException>("bytesPerSecond", () => EgressPolicy.Nothing.Limit(new ByteSize(1023)));
        Assert.Throws<ArgumentOutOfRangeException>("totalBytes", () => EgressPolicy.Nothing.Limit(totalBytes: new ByteSize(0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => EgressPolicy.Nothing.Limit(new ByteSize(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Box.Sleeper.WithNetworkRate(new ByteSize(1023)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Box.Sleeper.WithNetworkRate(receivedBytesPerSecond: new ByteSize(0)));
        Assert.Equal(new ByteSize(1024), EgressPolicy.Nothing.Limit(new ByteSize(1024)).BytesPerSecond);

        // The last word counts, for both.
        var limited = EgressPolicy.Nothing.Limit(1.MB, 10.MB).Limit(2.MB);
        Assert.Equal((2.MB, null), (limited.BytesPerSecond!.Value, limited.TotalBytes));
    }

    [Fact]
    public void Latency_ThatCannotBeIsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Box.Sleeper.WithNetworkLatency(TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Box.Sleeper.WithNetworkLatency(TimeSpan.FromSeconds(61)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Box.Sleeper.WithNetworkLatency(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Box.Sleeper.WithNetworkLatency(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(-1)));
        foreach (var loss in new[] { -0.1, 1.1, double.NaN, double.PositiveInfinity })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => Box.Sleeper.WithNetworkLatency(TimeSpan.Zero, loss: loss));
        }
    }

    [Fact]
    public void Nulls_AreRefused()
    {
        Assert.Throws<ArgumentNullException>("network", () => EgressPolicy.Nothing.Allow(null!));
        Assert.Throws<ArgumentNullException>("network", () => EgressPolicy.Nothing.Allow(null!, 1));
        Assert.Throws<ArgumentNullException>("network", () => EgressPolicy.Nothing.AllowPorts(null!, 1, 2));
        Assert.Throws<ArgumentNullException>("name", () => EgressPolicy.Nothing.AllowName(null!, 1));
        Assert.Throws<ArgumentNullException>("policy", () => Box.Sleeper.WithEgress((EgressPolicy)null!));
        Assert.Throws<ArgumentNullException>("policy", () => Box.Sleeper.WithEgress((Func<EgressPolicy, EgressPolicy>)null!));
        Assert.Throws<ArgumentNullException>("policy", () => Box.Sleeper.WithEgress(static _ => null!));
        Assert.Throws<ArgumentNullException>("builder", () => ((ContainerBuilder)null!).WithEgress(EgressPolicy.Nothing));
    }

    [Fact]
    public void Policy_HasAnEndOfRules()
    {
        var policy = Enumerable.Range(0, 256).Aggregate(EgressPolicy.Nothing, static (policy, number) => policy.Allow($"10.{number}.0.0/16"));
        Assert.Equal(256, policy.Rules.Length);
        Assert.Contains("256", Assert.Throws<ArgumentException>(() => policy.AllowHost(1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Policy_IsWhatItWasWhenItWasGiven()
    {
        var policy = EgressPolicy.Nothing.AllowHost(1);
        var builder = Box.Sleeper.WithEgress(policy);
        _ = policy.AllowHost(2).Limit(1.MB);
        Assert.Single(policy.Rules);
        Assert.Same(policy, NetworkFeature.Of(builder.Spec).Egress);
        Assert.Empty(EgressPolicy.Nothing.Rules);

        // Given twice, it is the last one.
        var twice = builder.WithEgress(static policy => policy.AllowName("example.org", 443));
        Assert.IsType<NameRule>(Assert.Single(NetworkFeature.Of(twice.Spec).Egress!.Rules));
        Assert.IsType<HostRule>(Assert.Single(NetworkFeature.Of(builder.Spec).Egress!.Rules));
    }

    [Theory]
    [InlineData("host")]
    [InlineData("none")]
    public void Policy_NeedsANetworkOfTheContainersOwn(string network)
    {
        Assert.ThrowsAny<ArgumentException>(() => Box.Sleeper.WithEgress(EgressPolicy.Nothing).WithNetwork(network));
    }
}
