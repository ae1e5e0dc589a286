using System.Diagnostics;

namespace Containers.Tests.Running;

/// <summary>Limits of whole containers, seen to hold; each controller's details are in the tests of the control groups.</summary>
[Trait("Category", "Vm")]
[Collection(WholeHost.Name)]
public sealed class LimitTests
{
    [Fact]
    public async Task HalfACore_IsHalfACore()
    {
        // Others may want the processor at the same time, so that a job gets less than its share; never more.
        var best = 0.0;
        for (var attempt = 0; attempt < 4 && best < 0.45; attempt++)
        {
            var result = await Job.Shell("while :; do :; done").WithCpus(0.5).WithTimeout(TimeSpan.FromSeconds(2)).RunAsync(Job.Token);
            Assert.Equal(Outcome.TimedOut, result.Outcome);
            best = result.Usage.TotalCpu!.Value / result.Usage.WallTime;
            Assert.InRange(best, 0, 0.55);
        }

        Assert.InRange(best, 0.45, 0.55);
    }

    [Fact]
    public async Task AForkBomb_IsStoppedAndTheHostStaysResponsive()
    {
        var job = Job.Shell("f() { f | f & }; f; sleep 60").WithMaxProcesses(40).WithTimeout(TimeSpan.FromSeconds(2)).RunAsync(Job.Token);
        var slowest = TimeSpan.Zero;
        while (!job.IsCompleted)
        {
            var started = Stopwatch.GetTimestamp();
            await Task.Delay(20, Job.Token);
            slowest = Stopwatch.GetElapsedTime(started) is var elapsed && elapsed > slowest ? elapsed : slowest;
        }

        var result = await job;
        Assert.Equal(Outcome.TimedOut, result.Outcome);
        Assert.InRange(result.Usage.PeakProcesses ?? 40, 20, 40);
        Assert.True(slowest < TimeSpan.FromSeconds(1), $"the host stood still for {slowest}");
    }

    /// <summary>Four megabytes at one a second, written past the page cache to the disk that this program is on.</summary>
    [Fact]
    public async Task ARateOfABlockDevice_IsKept()
    {
        Assert.True(Containers.Interop.FileStatus.TryGet(AppContext.BaseDirectory, out var status));
        var uevent = $"/sys/dev/block/{status.FileSystem >> 32}:{(uint)status.FileSystem}/uevent";
        Assert.SkipUnless(File.Exists(uevent), "the file system has no block device");
        var device = "/dev/" + File.ReadLines(uevent).First(static line => line.StartsWith("DEVNAME=", StringComparison.Ordinal))["DEVNAME=".Length..];
        var directory = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "io-" + Guid.NewGuid().ToString("N", System.Globalization.CultureInfo.InvariantCulture)));
        try
        {
            var job = Job.Shell("dd if=/dev/zero of=/data/file bs=1M count=4 oflag=direct").WithMount(Mount.Bind(directory.FullName, "/data", readOnly: false))
                .WithBlockIO(new BlockIOLimits { Devices = [new BlockIODeviceLimit(device) { WriteBytesPerSecond = 1 << 20 }] });
            ContainerResult result;
            try
            {
                result = await job.RunAsync(Job.Token);
            }
            catch (ContainerException refused)
            {
                // Where the kernel cannot throttle, that is said before anything runs.
                Assert.False(File.Exists("/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device"), refused.Message);
                Assert.DoesNotContain("io", (File.Exists("/sys/fs/cgroup/cgroup.controllers") ? await File.ReadAllTextAsync("/sys/fs/cgroup/cgroup.controllers", Job.Token) : "").Split((char[])[' ', '\n']));
                return;
            }

            Assert.True(result.IsSuccess, result.StandardError.Text);
            Assert.InRange(result.Usage.WallTime.TotalSeconds, 2.5, 8);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task AChosenProcessor_IsTheOnlyOne() =>
        Assert.Equal("1\n", await Job.OutputOf(Job.Shell("nproc").WithCpuSet("0")));

    [Fact]
    public async Task Pause_StopsTheClockOfTheJob()
    {
        await using var container = await Job.Shell("while :; do :; done").StartAsync(Job.Token);
        await container.PauseAsync(Job.Token);
        var before = (await container.GetUsageAsync(Job.Token)).TotalCpu;
        await Task.Delay(300, Job.Token);
        Assert.Equal(before, (await container.GetUsageAsync(Job.Token)).TotalCpu);
        await container.ResumeAsync(Job.Token);
        await Task.Delay(300, Job.Token);
        var after = await container.GetUsageAsync(Job.Token);
        Assert.True(after.TotalCpu > before);
        Assert.True(after.CurrentMemory!.Value.Bytes > 0);
        Assert.Equal(1, after.CurrentProcesses);
    }

    [Fact]
    public async Task APausedContainer_CanBeKilled()
    {
        await using var container = await Job.Shell("while :; do :; done").StartAsync(Job.Token);
        await container.PauseAsync(Job.Token);
        await container.KillAsync(cancellationToken: Job.Token);

        Assert.Equal(Outcome.Canceled, (await container.WaitAsync(Job.Token)).Outcome);
    }

    [Fact]
    public async Task AMemoryLimitTooSmallToStart_IsAnOutcomeOrAnError()
    {
        // Below what set-up itself needs: the kernel kills it, and that must not look like the job's own doing.
        try
        {
            var result = await Job.Shell("true").WithMemory(new ByteSize(256 << 10)).RunAsync(Job.Token);
            Assert.Equal(Outcome.OutOfMemory, result.Outcome);
        }
        catch (ContainerException e)
        {
            Assert.Contains("WithMemory", e.Message, StringComparison.Ordinal);
        }
        catch (ArgumentException e)
        {
            Assert.Equal("memory", e.ParamName);
        }
    }
}
