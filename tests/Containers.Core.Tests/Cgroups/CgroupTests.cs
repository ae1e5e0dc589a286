using System.Diagnostics;
using Containers.Cgroups;
using Containers.Interop;
using Containers.Specification;

namespace Containers.Tests.Cgroups;

/// <summary>Limits, kills and figures as this host has them, and where it is a hybrid one also with its v1 and v2 parts alone.</summary>
[Trait("Category", "Vm")]
public sealed class CgroupTests
{
    private const string EatMemory = "head -c 200m /dev/zero | tail -c 200m > /dev/null; echo ${PIPESTATUS:-$?}";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    public void MemoryLimit_KillsTheJobThatAllocatesPastIt(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        var cgroup = fixture.Make(new ResourceLimits { Memory = new ByteSize(32 << 20) });
        using var notification = cgroup.OpenOomNotification();
        Assert.NotNull(notification);

        fixture.Run(cgroup, EatMemory);

        var usage = cgroup.ReadUsage(UsageDetail.Final);
        Assert.Equal(1, usage.OomKills);
        Assert.Equal(1, cgroup.ReadOomKills());
        Assert.True(IsReadable(notification));
        Assert.InRange(usage.PeakMemory ?? 0, 30 << 20, 32 << 20);
        Assert.NotEqual(MemoryPeakSource.NotAvailable, usage.PeakMemorySource);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    public void MemoryLimit_LetsAJobBelowItBe(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        var cgroup = fixture.Make(new ResourceLimits { Memory = new ByteSize(64 << 20), MemoryReservation = new ByteSize(16 << 20) });

        Assert.Equal(0, fixture.Run(cgroup, "head -c 8m /dev/zero | tail -c 8m > /dev/null").ExitCode);

        Assert.Equal(0, cgroup.ReadUsage(UsageDetail.Final).OomKills);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    public void CpuQuota_GivesHalfACoreWithinTenPercent(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        var cgroup = fixture.Make(new ResourceLimits { Cpus = 0.5, CpuShares = 512 });

        var process = fixture.Start(cgroup, "while :; do :; done");
        Thread.Sleep(300);
        var (before, started) = (cgroup.ReadUsage(UsageDetail.Final), Stopwatch.GetTimestamp());
        Thread.Sleep(2000);
        var (after, elapsed) = (cgroup.ReadUsage(UsageDetail.Final), Stopwatch.GetElapsedTime(started));
        process.Kill();

        Assert.InRange((after.TotalCpu!.Value - before.TotalCpu!.Value) / elapsed, 0.45, 0.55);
        Assert.True(after.UserCpu > TimeSpan.Zero);
        Assert.True(after.ThrottledTime > TimeSpan.Zero);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    public void ProcessLimit_StopsForks(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        var cgroup = fixture.Make(new ResourceLimits { MaxProcesses = 8 });

        fixture.Run(cgroup, "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait");

        var usage = cgroup.ReadUsage(UsageDetail.Final);
        Assert.True(usage.ProcessLimitHits > 0);
        Assert.True(usage.PeakProcesses is null or 8);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    [InlineData("v2")]
    public void KillAll_EndsATreeOfForks(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        var cgroup = fixture.Make(new ResourceLimits { MaxProcesses = kind is "v2" ? null : 200 });
        const string Tree =
            "trap '' TERM HUP; i=0; while [ $i -lt 40 ]; do sleep 100 & (setsid sh -c 'sleep 99; :' &); i=$((i+1)); done; wait";
        var process = fixture.Start(cgroup, Tree);
        Assert.True(SpinWait.SpinUntil(() => cgroup.IsPopulated, Patience));
        Thread.Sleep(100);

        Assert.True(cgroup.KillAll(Patience));

        Assert.False(cgroup.IsPopulated);
        Assert.True(process.WaitForExit(5000));
        cgroup.Remove();
        Assert.False(cgroup.Exists);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    [InlineData("v2")]
    public void Freeze_StopsTheClockOfTheProcesses(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        var cgroup = fixture.Make();
        fixture.Start(cgroup, "while :; do :; done");
        Assert.True(SpinWait.SpinUntil(() => cgroup.IsPopulated, Patience));

        cgroup.Freeze();
        var frozen = cgroup.ReadUsage(UsageDetail.Final).TotalCpu;
        Thread.Sleep(200);
        Assert.Equal(frozen, cgroup.ReadUsage(UsageDetail.Final).TotalCpu);

        cgroup.Thaw();
        Thread.Sleep(200);
        Assert.True(cgroup.ReadUsage(UsageDetail.Final).TotalCpu > frozen);

        cgroup.Freeze();
        Assert.True(cgroup.KillAll(Patience));
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    [InlineData("v2")]
    public void Remove_TakesGroupsTheContainerMade(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        var cgroup = fixture.Make();
        foreach (var path in cgroup.Paths)
        {
            Directory.CreateDirectory($"{path}/a/b/c");
            Directory.CreateDirectory($"{path}/d");
            Assert.Equal(0, Libc.MakeDirectory($"{path}/with space", 0x1FF));
        }

        cgroup.Remove();

        Assert.Empty(cgroup.Paths);
        Assert.All(fixture.Host.Groups, static groups => Assert.False(Directory.Exists(groups.Group.Path + "/c0")));
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    public void Remove_WaitsForTheLastProcess(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        var cgroup = fixture.Make();
        fixture.Start(cgroup, "sleep 0.3");
        Assert.True(SpinWait.SpinUntil(() => cgroup.IsPopulated, Patience));

        cgroup.Remove();

        Assert.False(cgroup.Exists);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    public void CpuSet_KeepsTheJobOnItsProcessors(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        SkipUnlessHas(fixture, CgroupController.CpuSet);
        var cgroup = fixture.Make(new ResourceLimits { CpuSet = new CpuSet("0") });

        var (_, output, _) = fixture.Run(cgroup, "grep Cpus_allowed_list /proc/self/status");

        Assert.EndsWith("\t0", output.Trim(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    public void CpuSetThatTheHostHasNot_IsAnErrorAndLeavesNothing(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        SkipUnlessHas(fixture, CgroupController.CpuSet);

        var error = Assert.Throws<ContainerException>(() => fixture.Make(new ResourceLimits { CpuSet = new CpuSet("4000") }));

        Assert.Contains("cpuset.cpus", error.Message, StringComparison.Ordinal);
        Assert.Contains("Choose from 0", error.Message, StringComparison.Ordinal);
        Assert.All(fixture.Host.Groups, static groups => Assert.False(Directory.Exists(groups.Group.Path + "/c0")));
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    public void Update_ChangesLimitsOfARunningContainer(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        SkipUnlessHas(fixture, CgroupController.CpuSet);
        var cgroup = fixture.Make(new ResourceLimits { Memory = new ByteSize(16 << 20), MaxProcesses = 5 });
        var process = fixture.Start(cgroup, "sleep 100 & sleep 100");
        Assert.True(SpinWait.SpinUntil(() => cgroup.ReadUsage(UsageDetail.Current).Processes == 3, Patience));

        cgroup.Update(new ResourceLimits { Memory = new ByteSize(64 << 20), MaxProcesses = 50, CpuSet = new CpuSet("0") });
        cgroup.Update(new ResourceLimits { Memory = new ByteSize(32 << 20), Swap = new ByteSize(1 << 20), MaxProcesses = null });

        var status = File.ReadAllLines($"/proc/{process.Id}/status");
        Assert.Contains("Cpus_allowed_list:\t0", status);
        var groups = fixture.Host.Locate(CgroupController.Memory)!;
        var file = groups.Hierarchy.IsV2 ? "memory.max" : "memory.limit_in_bytes";
        Assert.Equal((32 << 20).ToString(), File.ReadAllText($"{groups.Group.Path}/c0/{file}").Trim());
        Assert.Equal("50", File.ReadAllText($"{fixture.Host.Locate(CgroupController.Pids)!.Group.Path}/c0/pids.max").Trim());
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    public void BlockIORate_SlowsDirectWritesDown(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        SkipUnlessHas(fixture, CgroupController.BlockIO);
        var file = Path.Combine(AppContext.BaseDirectory, CgroupFixture.NewName());
        var device = DeviceOf(AppContext.BaseDirectory);
        Assert.SkipUnless(device is not null, "the file system has no block device");
        var limits = new BlockIOLimits { Devices = [new BlockIODeviceLimit(device) { WriteBytesPerSecond = 4 << 20 }] };
        var cgroup = fixture.Make(new ResourceLimits { BlockIO = limits });
        try
        {
            var started = Stopwatch.GetTimestamp();
            var (code, _, error) = fixture.Run(cgroup, $"dd if=/dev/zero of='{file}' bs=1M count=8 oflag=direct");

            Assert.True(code == 0, error);
            Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 1.4, 3.5);
            Assert.True(cgroup.ReadUsage(UsageDetail.Final).BytesWritten >= 8 << 20);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("host")]
    [InlineData("v1")]
    public void BlockIOWeight_IsSetOrItsAbsenceNamed(string kind)
    {
        using var fixture = CgroupFixture.Of(kind);
        SkipUnlessHas(fixture, CgroupController.BlockIO);
        try
        {
            var cgroup = fixture.Make(new ResourceLimits { BlockIO = new BlockIOLimits { Weight = 200 } });
            string[] names = ["blkio.weight", "blkio.bfq.weight", "io.weight", "io.bfq.weight"];
            var files = cgroup.Paths.SelectMany(path => names.Select(name => $"{path}/{name}")).Where(File.Exists);
            var weights = files.Select(static file => File.ReadAllText(file).Trim());
            Assert.Contains(weights, static weight => weight is "200" or "default 200" or "default 1920");
        }
        catch (ContainerException e)
        {
            Assert.Contains("modprobe bfq", e.Remedy, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void BlockIOLimit_NamesADeviceThatIsNone()
    {
        using var fixture = CgroupFixture.Of("host");
        SkipUnlessHas(fixture, CgroupController.BlockIO);
        var limits = new BlockIOLimits { Devices = [new BlockIODeviceLimit("/dev/null") { ReadBytesPerSecond = 1 }] };

        var error = Assert.Throws<ContainerException>(() => fixture.Make(new ResourceLimits { BlockIO = limits }));

        Assert.Contains("/dev/null", error.Message, StringComparison.Ordinal);
        Assert.All(fixture.Host.Groups, static groups => Assert.False(Directory.Exists(groups.Group.Path + "/c0")));
    }

    [Fact]
    public void Sweep_KillsAndRemovesWhatADeadEngineLeft()
    {
        using var fixture = CgroupFixture.Of("host");
        var process = fixture.Start(fixture.Make(), "sleep 100");
        Assert.True(SpinWait.SpinUntil(() => CgroupFixture.Left(fixture.EngineName).Count > 0 && !process.HasExited, Patience));
        Thread.Sleep(100);

        CgroupHost.Sweep(fixture.EngineName);

        Assert.Empty(CgroupFixture.Left(fixture.EngineName));
        Assert.True(process.WaitForExit(5000));
        CgroupHost.Sweep(fixture.EngineName);
    }

    [Fact]
    public void SecondContainerOfOneName_IsRefusedAndTheFirstIsLeftAlone()
    {
        using var fixture = CgroupFixture.Of("host");
        var first = fixture.Make();

        var error = Assert.Throws<ContainerException>(() => fixture.Host.Create("c0", new ResourceLimits(), []));

        Assert.Equal((int)Errno.EEXIST, error.ErrorNumber);
        Assert.All(first.Paths, static path => Assert.True(Directory.Exists(path)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("-a")]
    [InlineData("a\n")]
    public void NamesThatLeaveTheirDirectory_AreRefused(string name)
    {
        Assert.Throws<ArgumentException>(() => CgroupHost.Detect(name));
    }

    [Fact]
    public void NoControlGroups_CountNothingAndRefuseLimits()
    {
        using var host = CgroupHost.From(CgroupLayout.Parse("", ""), CgroupFixture.NewName());
        using var cgroup = host.Create("c", new ResourceLimits(), []);

        Assert.False(cgroup.Exists);
        Assert.Null(cgroup.CloneInto);
        Assert.Empty(cgroup.JoinFiles);
        Assert.Equal(default, cgroup.ReadUsage(UsageDetail.Current));
        Assert.Null(cgroup.OpenOomNotification());
        Assert.Throws<ContainerException>(cgroup.Freeze);
        var error = Assert.Throws<ContainerException>(() => host.Create("d", new ResourceLimits { Memory = new ByteSize(1 << 20) }, []));
        Assert.Contains("mount -t cgroup2", error.Message, StringComparison.Ordinal);
        cgroup.Remove();
    }

    [Fact]
    public void LimitWithoutDelegation_NamesTheControllerAndTheCommandThatGrantsIt()
    {
        var layout = CgroupLayout.OfThisProcess();
        using var host = CgroupHost.From(layout, CgroupFixture.NewName());
        Assert.SkipWhen(host.Find(CgroupController.Memory) is not null, "this user may limit memory");

        var error = Assert.Throws<ContainerException>(() => host.Create("c", new ResourceLimits { Memory = new ByteSize(1 << 20) }, []));

        Assert.Contains("memory limits", error.Message, StringComparison.Ordinal);
        var command = layout.Version == CgroupVersion.V2 ? "systemd-run --user --scope -p Delegate=yes" : "chown -R";
        Assert.Contains(command, error.Remedy, StringComparison.Ordinal);
        using var unlimited = host.Create("d", new ResourceLimits(), []);
        Assert.Null(unlimited.ReadUsage(UsageDetail.Final).PeakMemory);
        unlimited.Remove();
    }

    private static void SkipUnlessHas(CgroupFixture fixture, CgroupController controller)
    {
        var hierarchy = fixture.Host.Find(controller);
        Assert.SkipWhen(hierarchy is null, $"this user has no {controller} controller");
        var isEmptySet = controller == CgroupController.CpuSet && !hierarchy.IsV2 &&
            File.ReadAllText($"{hierarchy.BasePath}/cpuset.cpus").Trim().Length == 0;
        Assert.SkipWhen(isEmptySet, "this user's processor set is empty");
    }

    private static unsafe bool IsReadable(FileDescriptor fd)
    {
        var entry = new Libc.PollEntry { Descriptor = fd.Number, Events = 1 };
        return Libc.Poll(&entry, 1, 1000) == 1;
    }

    private static string? DeviceOf(string path)
    {
        using var df = Process.Start(new ProcessStartInfo("df", ["-P", path]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var source = df.StandardOutput.ReadToEnd().Split('\n')[1].Split(' ')[0];
        df.WaitForExit();
        return source.StartsWith("/dev/", StringComparison.Ordinal) ? source : null;
    }
}
