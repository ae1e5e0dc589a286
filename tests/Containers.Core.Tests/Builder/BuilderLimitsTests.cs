using Containers.Specification;

namespace Containers.Tests.Builder;

public sealed class BuilderLimitsTests
{
    private static readonly ContainerBuilder Builder = ContainerBuilder.FromHost();

    [Fact]
    public void Memory_LeavesNoSwapUnlessAskedFor()
    {
        var limits = Builder.WithMemory(100.MB, 50.MB).Spec.Limits;
        Assert.Equal((100.MB, 50.MB), (limits.Memory!.Value, limits.Swap!.Value));
        Assert.Null(Builder.WithMemory(100.MB, 50.MB).WithMemory(10.MB).Spec.Limits.Swap);
    }

    [Fact]
    public void Memory_WithAForgottenUnit_IsRefused()
    {
        var e = Assert.Throws<ArgumentOutOfRangeException>("memory", () => Builder.WithMemory(new ByteSize(100)));
        Assert.Contains("100.MB", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>("memory", () => Builder.WithMemory(default));
        Assert.Throws<ArgumentOutOfRangeException>("memory", () => Builder.WithMemoryReservation(1023.KB));
        Assert.Equal(1.MB, Builder.WithMemory(1.MB).Spec.Limits.Memory);
    }

    [Fact]
    public void Reservation_AboveTheLimit_IsRefusedInEitherOrder()
    {
        Assert.Throws<ArgumentException>("memory", () => Builder.WithMemory(10.MB).WithMemoryReservation(11.MB));
        Assert.Throws<ArgumentException>("memory", () => Builder.WithMemoryReservation(11.MB).WithMemory(10.MB));
        Assert.Equal(10.MB, Builder.WithMemory(10.MB).WithMemoryReservation(10.MB).Spec.Limits.MemoryReservation);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(0.009)]
    [InlineData(8193)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Cpus_OutOfRange_AreRefused(double cpus) =>
        Assert.Throws<ArgumentOutOfRangeException>("cpus", () => Builder.WithCpus(cpus));

    [Fact]
    public void Cpus_TakeFractions() => Assert.Equal(0.5, Builder.WithCpus(2).WithCpus(0.5).Spec.Limits.Cpus);

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    [InlineData(262145)]
    public void CpuShares_OutOfRange_AreRefused(long shares) =>
        Assert.Throws<ArgumentOutOfRangeException>("shares", () => Builder.WithCpuShares(shares));

    [Fact]
    public void CpuSet_IsNormalised()
    {
        Assert.Equal("0-2,6", Builder.WithCpuSet("6,0-2").Spec.Limits.CpuSet!.List);
        Assert.Throws<ArgumentException>("list", () => Builder.WithCpuSet("2-0"));
        Assert.Throws<ArgumentNullException>("list", () => Builder.WithCpuSet((string)null!));
        Assert.Throws<ArgumentNullException>("set", () => Builder.WithCpuSet((CpuSet)null!));
    }

    [Fact]
    public void MaxProcesses_HasADefaultThatCanBeLifted()
    {
        Assert.Equal((1024, false), (Builder.Spec.Limits.MaxProcesses, Builder.Spec.Limits.MaxProcessesAsked));
        Assert.Equal(1, Builder.WithMaxProcesses(1).Spec.Limits.MaxProcesses);
        Assert.True(Builder.WithMaxProcesses(1024).Spec.Limits.MaxProcessesAsked);
        Assert.Null(Builder.WithMaxProcesses(null).Spec.Limits.MaxProcesses);
        Assert.Throws<ArgumentOutOfRangeException>("count", () => Builder.WithMaxProcesses(0));
        Assert.Throws<ArgumentOutOfRangeException>("count", () => Builder.WithMaxProcesses(-1));
        Assert.Throws<ArgumentOutOfRangeException>("count", () => Builder.WithMaxProcesses(4194305));
    }

    [Fact]
    public void Ulimits_ReplaceByName()
    {
        var ulimits = Builder.WithUlimit("nofile", 1024, 2048).WithUlimit("core", 0).WithUlimit(new Ulimit("nofile", 1, 2)).Spec.Ulimits;
        Assert.Equal([new Ulimit("nofile", 1, 2), new Ulimit("core", 0, 0)], ulimits);
        Assert.Throws<ArgumentException>("name", () => Builder.WithUlimit("files", 1));
        Assert.Throws<ArgumentOutOfRangeException>("soft", () => Builder.WithUlimit("core", 2, 1));
        Assert.Throws<ArgumentNullException>("limit", () => Builder.WithUlimit(null!));
    }

    public static TheoryData<TimeSpan> BadTimes => [TimeSpan.Zero, TimeSpan.FromSeconds(-1), TimeSpan.FromDays(25), TimeSpan.MaxValue, TimeSpan.MinValue];

    [Theory]
    [MemberData(nameof(BadTimes))]
    public void Times_OutOfRange_AreRefused(TimeSpan time)
    {
        Assert.Throws<ArgumentOutOfRangeException>("timeout", () => Builder.WithTimeout(time));
        Assert.Throws<ArgumentOutOfRangeException>("limit", () => Builder.WithCpuTimeLimit(time));
    }

    [Fact]
    public void Times_CanBeLifted()
    {
        var builder = Builder.WithTimeout(TimeSpan.FromSeconds(2)).WithCpuTimeLimit(TimeSpan.FromSeconds(1));
        Assert.Equal((TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1)), (builder.Spec.Timeout!.Value, builder.Spec.CpuTimeLimit!.Value));
        builder = builder.WithTimeout(Timeout.InfiniteTimeSpan).WithCpuTimeLimit(Timeout.InfiniteTimeSpan);
        Assert.Null(builder.Spec.Timeout);
        Assert.Null(builder.Spec.CpuTimeLimit);
    }

    [Fact]
    public void OutputLimit_IsCheckedAndMayBeZero()
    {
        Assert.Equal(new OutputLimit(4 << 20, OutputOverflow.Truncate), Builder.Spec.OutputLimit);
        Assert.Equal(new OutputLimit(0, OutputOverflow.Kill), Builder.WithOutputLimit(0.KB, OutputOverflow.Kill).Spec.OutputLimit);
        Assert.Throws<ArgumentOutOfRangeException>("limit", () => Builder.WithOutputLimit(2.GB));
        Assert.Throws<ArgumentOutOfRangeException>("overflow", () => Builder.WithOutputLimit(2.MB, (OutputOverflow)9));
    }

    [Fact]
    public void Disk_AlwaysHasInodes()
    {
        Assert.Equal(new DiskLimit(1.MB, 256), Builder.WithDisk(1.MB).Spec.Disk);
        Assert.Equal(new DiskLimit(1.MB, 10), Builder.WithDisk(1.MB, 10).Spec.Disk);
        Assert.Throws<ArgumentOutOfRangeException>("size", () => Builder.WithDisk(0.MB));
        Assert.Throws<ArgumentOutOfRangeException>("inodes", () => Builder.WithDisk(1.MB, 0));
    }

    [Theory]
    [InlineData(-1001)]
    [InlineData(1001)]
    public void OomScoreAdjustment_OutOfRange_IsRefused(int adjustment) =>
        Assert.Throws<ArgumentOutOfRangeException>("adjustment", () => Builder.WithOomScoreAdjustment(adjustment));

    [Fact]
    public void BlockIO_ReplacesAsAWhole()
    {
        var spec = Builder.WithBlockIO(new BlockIOLimits { Weight = 10 })
            .WithBlockIO(new BlockIOLimits { Devices = [new("/dev/sda") { ReadBytesPerSecond = 1 }] }).Spec;
        Assert.Null(spec.Limits.BlockIO!.Weight);
        Assert.Equal(1, Assert.Single(spec.Limits.BlockIO.Devices).ReadBytesPerSecond);
        Assert.Throws<ArgumentNullException>("limits", () => Builder.WithBlockIO(null!));
    }
}
