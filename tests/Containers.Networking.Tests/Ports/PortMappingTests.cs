using System.Net;
using Containers.Ports;
using FsCheck.Xunit;

namespace Containers.Tests.Ports;

[Trait("Category", "Rootless")]
public class PortMappingTests
{
    [Theory]
    [InlineData("80", ":80/tcp", null)]
    [InlineData("8080:80", "8080:80/tcp", null)]
    [InlineData("8080:80/udp", "8080:80/udp", null)]
    [InlineData("0:80", ":80/tcp", null)]
    [InlineData("127.0.0.1:8080:80", "127.0.0.1:8080:80/tcp", "127.0.0.1")]
    [InlineData("127.0.0.1::80", "127.0.0.1::80/tcp", "127.0.0.1")]
    [InlineData("[::1]:8080:80", "[::1]:8080:80/tcp", "::1")]
    [InlineData("[fd00::1]::80/udp", "[fd00::1]::80/udp", "fd00::1")]
    [InlineData("8000-8010:9000-9010", "8000-8010:9000-9010/tcp", null)]
    [InlineData("8000-8010:80", "8000-8010:80/tcp", null)]
    [InlineData("0.0.0.0:1:65535", "0.0.0.0:1:65535/tcp", "0.0.0.0")]
    public void Text_IsReadAsDockerReadsIt(string text, string expected, string? address)
    {
        var mapping = PortMapping.Parse(text, "mapping");

        Assert.Equal(expected, mapping.ToString());
        Assert.Equal(address is null ? null : IPAddress.Parse(address), mapping.HostAddress);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("+80")]
    [InlineData(" 80")]
    [InlineData("080000")]
    [InlineData("80/")]
    [InlineData("80/TCP")]
    [InlineData("80/sctp")]
    [InlineData("8080:")]
    [InlineData("127.0.0.1:80")]
    [InlineData("127.1:8080:80")]
    [InlineData("localhost:8080:80")]
    [InlineData("::1:8080:80")]
    [InlineData("[::1:8080:80")]
    [InlineData("[127.0.0.1]:8080:80")]
    [InlineData("[::1]8080:80")]
    [InlineData("8000-8010:9000-9009")]
    [InlineData("8010-8000:80")]
    [InlineData("8000-:80")]
    [InlineData("224.0.0.1:80:80")]
    [InlineData("255.255.255.255:80:80")]
    [InlineData("[fe80::1]:80:80")]
    [InlineData("[ff02::1]:80:80")]
    public void Text_ThatIsNoneIsRefusedWithTheParametersName(string text) =>
        Assert.Equal("mapping", Assert.Throws<ArgumentException>(() => PortMapping.Parse(text, "mapping")).ParamName);

    [Property]
    public void Text_OfAnyKindIsReadOrRefused(string? text)
    {
        try
        {
            var mapping = PortMapping.Parse(text ?? string.Empty, "mapping");
            Assert.InRange(mapping.ContainerPorts.First, 1, 65535);
        }
        catch (ArgumentException refused)
        {
            Assert.Equal("mapping", refused.ParamName);
        }
    }

    [Theory]
    [InlineData("8080:80", "8080:81", true)]
    [InlineData("8080:80", "127.0.0.1:8080:80", true)]
    [InlineData("0.0.0.0:8080:80", "127.0.0.1:8080:80", true)]
    [InlineData("0.0.0.0:8080:80", "[::]:8080:80", false)]
    [InlineData("127.0.0.1:8080:80", "127.0.0.2:8080:80", false)]
    [InlineData("8080:80", "8080:80/udp", false)]
    [InlineData("8080:80", "80", false)]
    [InlineData("8000-8010:8000-8010", "8010-8020:8010-8020", true)]
    [InlineData("8000-8010:8000-8010", "8011:80", false)]
    [InlineData("8000-8010:80", "8000:81", false)]
    public void TwoOfTheSamePort_AreSeenBeforeAnythingIsTried(string one, string other, bool contradict)
    {
        var (first, second) = (PortMapping.Parse(one, "m"), PortMapping.Parse(other, "m"));

        Assert.Equal(contradict, first.ContradictedBy(second));
        Assert.Equal(contradict, second.ContradictedBy(first));
    }

    [Fact]
    public void Range_HasItsBoundsChecked()
    {
        Assert.Equal(11, new PortRange(8000, 8010).Count);
        Assert.Equal(0, default(PortRange).Count);
        Assert.Equal("8000-8010", new PortRange(8000, 8010).ToString());
        Assert.Equal("8000", PortRange.Parse("8000").ToString());
        Assert.Equal("last", Assert.Throws<ArgumentOutOfRangeException>(() => new PortRange(10, 9)).ParamName);
        Assert.Equal("first", Assert.Throws<ArgumentOutOfRangeException>(() => new PortRange(0, 9)).ParamName);
        Assert.Equal("last", Assert.Throws<ArgumentOutOfRangeException>(() => new PortRange(1, 65536)).ParamName);
        Assert.Throws<FormatException>(() => PortRange.Parse("8000-8000-8000"));
    }

    [Fact]
    public void Address_OfIp4WrittenAsIp6IsThatOfIp4() =>
        Assert.Equal(IPAddress.Loopback, PortMapping.Create(80, 0, PortProtocol.Tcp, IPAddress.Parse("::ffff:127.0.0.1")).HostAddress);
}
