namespace Containers.Tests.Running;

/// <summary>Every outcome, and that a job cannot fake one.</summary>
[Trait("Category", "Vm")]
public sealed class OutcomeTests
{
    [Fact]
    public async Task AJobThatExits_IsExitedWithItsCodeAndOutput()
    {
        var result = await Job.Shell("echo hello from pid $$; echo oops >&2; exit 3").RunAsync(Job.Token);

        Assert.Equal(Outcome.Exited, result.Outcome);
        Assert.Equal(3, result.ExitCode);
        Assert.Null(result.Signal);
        Assert.Equal("hello from pid 1\n", result.StandardOutput.Text);
        Assert.Equal("oops\n", result.StandardError.Text);
        Assert.False(result.IsSuccess);
        Assert.Contains("oops", Assert.Throws<ContainerFailedException>(result.EnsureSuccess).Message, StringComparison.Ordinal);
        Assert.True(result.FinishedAt >= result.StartedAt);
        Assert.True(result.Usage.WallTime > TimeSpan.Zero);
        Assert.Equal(22, result.Usage.OutputBytes);
    }

    [Fact]
    public async Task AJobThatASignalEnds_IsSignaled()
    {
        // PID 1 is not ended by signals it has no handler for, so the job is the child of an init.
        var result = await Job.Shell("kill -SEGV $$").WithInit().RunAsync(Job.Token);

        Assert.Equal(Outcome.Signaled, result.Outcome);
        Assert.Equal(Signal.SegmentationFault, result.Signal);
        Assert.Equal(128 + 11, result.ExitCode);
    }

    [Fact]
    public async Task AJobThatKillsItself_IsSignaledAndNotOutOfMemory()
    {
        var result = await Job.Shell("kill -KILL $$").WithInit().WithMemory(64.MB).RunAsync(Job.Token);

        Assert.Equal(Outcome.Signaled, result.Outcome);
        Assert.Equal(Signal.Kill, result.Signal);
        Assert.Equal(0, result.Usage.OomKills);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AJobThatAllocatesPastItsLimit_IsOutOfMemory(bool init)
    {
        var job = Job.Shell("exec tail /dev/zero").WithMemory(32.MB);
        var result = await (init ? job.WithInit() : job).RunAsync(Job.Token);

        Assert.Equal(Outcome.OutOfMemory, result.Outcome);
        Assert.Equal(Signal.Kill, result.Signal);
        Assert.True(result.Usage.OomKills >= 1);
        Assert.InRange(result.Usage.PeakMemory!.Value.Bytes, 30 << 20, 32 << 20);
        Assert.NotEqual("ru_maxrss", result.Usage.PeakMemorySource);
    }

    [Fact]
    public async Task AChildOutOfMemoryWhileTheMainProcessLives_IsCountedAndNotTheOutcome()
    {
        var result = await Job.Shell("tail /dev/zero; echo lives; exit 0").WithMemory(32.MB).RunAsync(Job.Token);

        Assert.Equal(Outcome.Exited, result.Outcome);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("lives\n", result.StandardOutput.Text);
        Assert.True(result.Usage.OomKills >= 1);
    }

    [Fact]
    public async Task AnEarlierOutOfMemoryOfAChild_DoesNotMakeALaterKillOne()
    {
        var result = await Job.Shell("tail /dev/zero; sleep 1; kill -KILL $$").WithInit().WithMemory(32.MB).RunAsync(Job.Token);

        Assert.Equal(Outcome.Signaled, result.Outcome);
        Assert.True(result.Usage.OomKills >= 1);
    }

    [Fact]
    public async Task AJobThatRunsTooLong_IsTimedOut()
    {
        var result = await Job.Shell("sleep 60").WithTimeout(TimeSpan.FromMilliseconds(300)).RunAsync(Job.Token);

        Assert.Equal(Outcome.TimedOut, result.Outcome);
        Assert.Equal(137, result.ExitCode);
        Assert.InRange(result.Usage.WallTime.TotalMilliseconds, 300, 2000);
    }

    [Fact]
    public async Task AJobThatComputesTooLong_IsCpuTimeExceeded()
    {
        var result = await Job.Shell("while :; do :; done").WithCpuTimeLimit(TimeSpan.FromMilliseconds(300)).RunAsync(Job.Token);

        Assert.Equal(Outcome.CpuTimeExceeded, result.Outcome);
        Assert.InRange(result.Usage.TotalCpu!.Value.TotalMilliseconds, 295, 900);
    }

    [Fact]
    public async Task AJobThatSleeps_UsesNoCpuTime() => Assert.Equal(
        Outcome.Exited, (await Job.Shell("sleep 0.6").WithCpuTimeLimit(TimeSpan.FromMilliseconds(300)).RunAsync(Job.Token)).Outcome);

    [Fact]
    public async Task AJobThatWritesTooMuch_IsOutputLimitExceededWhereTheLimitKills()
    {
        var result = await Job.Shell("yes").WithOutputLimit(10.KB, OutputOverflow.Kill).RunAsync(Job.Token);

        Assert.Equal(Outcome.OutputLimitExceeded, result.Outcome);
        Assert.Equal(10 << 10, result.StandardOutput.Length);
        Assert.True(result.StandardOutput.IsTruncated);
    }

    [Fact]
    public async Task AJobThatWritesTooMuch_GoesOnWhereTheLimitTruncates()
    {
        var result = await Job.Shell("head -c 300000 /dev/zero; exit 5").WithOutputLimit(10.KB).RunAsync(Job.Token);

        Assert.Equal(Outcome.Exited, result.Outcome);
        Assert.Equal(5, result.ExitCode);
        Assert.Equal(300000, result.StandardOutput.TotalBytes);
        Assert.Equal(10 << 10, result.StandardOutput.Length);
    }

    [Theory]
    [InlineData("head -c 20m /dev/zero > /tmp/file")]
    [InlineData("i=0; while [ $i -lt 600 ]; do : > /tmp/f$i || exit 1; i=$((i+1)); done")]
    public async Task AJobThatFillsItsDisk_IsDiskLimitExceeded(string script)
    {
        var result = await Job.Shell(script).WithDisk(8.MB, inodes: 400).RunAsync(Job.Token);

        Assert.Equal(Outcome.DiskLimitExceeded, result.Outcome);
        Assert.NotEqual(0, result.ExitCode);
    }

    [Fact]
    public async Task AJobThatFailsWithRoomOnItsDisk_IsExited() => Assert.Equal(
        Outcome.Exited, (await Job.Shell("head -c 1m /dev/zero > /tmp/file; exit 1").WithDisk(8.MB).RunAsync(Job.Token)).Outcome);

    [Fact]
    public async Task CancelingTheToken_KillsEverythingAndIsCanceled()
    {
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var result = await Job.Shell("trap '' TERM INT; sleep 60 & sleep 60").RunAsync(source.Token);

        Assert.Equal(Outcome.Canceled, result.Outcome);
        Assert.True(result.Usage.WallTime < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task ATokenCanceledBefore_StillGivesCanceled() =>
        Assert.Equal(Outcome.Canceled, (await Job.Shell("sleep 60").RunAsync(new CancellationToken(canceled: true))).Outcome);
}
