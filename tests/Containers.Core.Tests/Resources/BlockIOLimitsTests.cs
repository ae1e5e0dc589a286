namespace Containers.Tests.Resources;

public sealed class BlockIOLimitsTests
{
    [Theory]
    [InlineData(9)]
    [InlineData(1001)]
    [InlineData(0)]
    [InlineData(-1)]
    public void Weight_OutOfRange_IsRefused(int weight) =>
        Assert.Throws<ArgumentOutOfRangeException>("Weight", () => new BlockIOLimits { Weight = weight });

    [Theory]
    [InlineData(null)]
    [InlineData(10)]
    [InlineData(1000)]
    public void Weight_InRange_IsKept(int? weight) => Assert.Equal(weight, new BlockIOLimits { Weight = weight }.Weight);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Rates_BelowOne_AreRefused(long rate)
    {
        Assert.Throws<ArgumentOutOfRangeException>("ReadBytesPerSecond", () => new BlockIODeviceLimit("/dev/sda") { ReadBytesPerSecond = rate });
        Assert.Throws<ArgumentOutOfRangeException>("WriteBytesPerSecond", () => new BlockIODeviceLimit("/dev/sda") { WriteBytesPerSecond = rate });
        Assert.Throws<ArgumentOutOfRangeException>("ReadOperationsPerSecond", () => new BlockIODeviceLimit("/dev/sda") { ReadOperationsPerSecond = rate });
        Assert.Throws<ArgumentOutOfRangeException>("WriteOperationsPerSecond", () => new BlockIODeviceLimit("/dev/sda") { WriteOperationsPerSecond = rate });
    }

    [Fact]
    public void Operations_PastTheKernelsCounter_AreRefused() => Assert.Throws<ArgumentOutOfRangeException>(
        "ReadOperationsPerSecond", () => new BlockIODeviceLimit("/dev/sda") { ReadOperationsPerSecond = 1L + uint.MaxValue });

    [Theory]
    [InlineData("")]
    [InlineData("sda")]
    [InlineData("/dev/sd\0a")]
    public void DevicePath_NotAbsolute_IsRefused(string path) =>
        Assert.Throws<ArgumentException>("devicePath", () => new BlockIODeviceLimit(path));

    [Fact]
    public void Device_NamedTwice_IsRefused() => Assert.Throws<ArgumentException>(
        "Devices", () => new BlockIOLimits { Devices = [new("/dev/sda"), new("/dev//sda") { ReadBytesPerSecond = 1 }] });

    [Fact]
    public void Devices_Uninitialised_AreNone() => Assert.Empty(new BlockIOLimits { Devices = default }.Devices);
}
