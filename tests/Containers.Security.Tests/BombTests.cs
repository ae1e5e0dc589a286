using System.Diagnostics;

namespace Containers.Security.Tests;

/// <summary>Jobs that use up whatever they can get: the verdict is true, the end is soon, and the next job runs as ever.</summary>
[Trait("Category", "Vm")]
[Collection(WholeHost.Name)]
public sealed class BombTests
{
    [Theory]
    [InlineData("heap")]
    [InlineData("maps")]
    [InlineData("memfd")]
    [InlineData("shm")]
    [InlineData("tmp")]
    public async Task MemoryThatIsAskedForWithoutEnd_IsAnOutcome(string kind)
    {
        var result = await Bomb(kind, static job => job.WithMemory(48.MB));
        Assert.Equal(Outcome.OutOfMemory, result.Outcome);
        Assert.InRange(result.Usage.PeakMemory!.Value.Bytes, 24L << 20, 50L << 20);
    }

    /// <summary>What is held by descriptors is bounded by their number, and charged.</summary>
    [Theory]
    [InlineData("pipes")]
    [InlineData("sockets")]
    [InlineData("descriptors")]
    public async Task MemoryBehindDescriptors_IsBounded(string kind)
    {
        var result = await Bomb(kind, static job => job.WithMemory(48.MB));
        Assert.True(result.Outcome == Outcome.OutOfMemory || result.ExitCode == 4, $"{result}");
        Assert.InRange(result.Usage.PeakMemory!.Value.Bytes, 0, 50L << 20);
    }

    [Theory]
    [InlineData("tmp")]
    [InlineData("inodes")]
    public async Task DiskAndInodes_EndAtTheLimit(string kind)
    {
        var result = await Bomb(kind, static job => job.WithMemory(128.MB).WithDisk(16.MB, 2000));
        Assert.Equal(Outcome.DiskLimitExceeded, result.Outcome);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Forks_EndAtTheLimitOfProcesses(bool init)
    {
        var result = await Bomb("forks", job => (init ? job.WithInit() : job).WithMemory(256.MB).WithMaxProcesses(64).WithTimeout(TimeSpan.FromSeconds(2)));
        Assert.Equal(Outcome.TimedOut, result.Outcome);
    }

    [Fact]
    public async Task Zombies_AreReapedByTheInit()
    {
        // Six thousand forks take their time where a machine is emulated.
        var result = await Bomb("zombies", static job => job.WithInit().WithMaxProcesses(64).WithTimeout(TimeSpan.FromMinutes(1)));
        Assert.True(result.IsSuccess, $"{result}");
    }

    [Fact]
    public async Task OutputWithoutEnd_IsAnOutcome()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var result = await Bomb("output", static job => job.WithOutputLimit(1.MB, OutputOverflow.Kill));
        Assert.Equal(Outcome.OutputLimitExceeded, result.Outcome);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 8L << 20);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhoIgnoresEverySignal_EndsAllTheSame(bool init)
    {
        var job = Attack.With("default", "deaf").WithCpus(0.5).WithTimeout(TimeSpan.FromSeconds(1));
        var started = Stopwatch.GetTimestamp();
        var result = await (init ? job.WithInit() : job).RunAsync(Job.Token);
        Assert.Equal(Outcome.TimedOut, result.Outcome);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task KillingEveryProcess_KillsNoOther()
    {
        await using var neighbour = await Job.InBusybox("sleep 60").StartAsync(Job.Token);
        await Job.InBusybox("kill -9 -1; kill -9 1; kill -9 $$; echo alive").RunAsync(Job.Token);
        var ended = await Job.InBusybox("sleep 20 & kill -9 1; exec sleep 20").WithInit().WithTimeout(TimeSpan.FromSeconds(2)).RunAsync(Job.Token);
        Assert.Equal(Outcome.TimedOut, ended.Outcome); // a signal from below does not reach PID 1
        Assert.True(neighbour.IsRunning);
    }

    /// <summary>core(5): with a handler that the host runs as root, only the limit 1 keeps a crash from starting it.</summary>
    [Fact]
    public async Task ACrash_StartsNothingOnTheHost()
    {
        using var canary = new Attack.Canary();
        const string Pattern = "/proc/sys/kernel/core_pattern";
        var before = await File.ReadAllTextAsync(Pattern, Job.Token);
        var handler = Path.Combine(Path.GetDirectoryName(canary.Directory)!, "containers-core-handler-" + Environment.ProcessId);
        await File.WriteAllTextAsync(handler, $"#!/bin/sh\ntouch {canary.Directory}/dumped\n", Job.Token);
        File.SetUnixFileMode(handler, (UnixFileMode)0x1ED);
        try
        {
            await File.WriteAllTextAsync(Pattern, $"|{handler}", Job.Token);
            await using var engine = new ContainerEngine();
            for (var i = 0; i < 20; i++)
            {
                var result = await engine.RunAsync(Attack.With("untrusted", "segfault"), Job.Token);
                Assert.Equal(Outcome.Signaled, result.Outcome);
            }

            await Task.Delay(300, Job.Token);
        }
        finally
        {
            await File.WriteAllTextAsync(Pattern, before.TrimEnd('\n'), CancellationToken.None);
            File.Delete(handler);
        }
    }

    [Fact]
    public async Task ManyShortJobsUnderPressure_LeaveTheHostAsItWas()
    {
        var before = await HostState.TakeServingAsync(atATime: 12);
        using var pressure = new CancellationTokenSource();
        var hogs = Enumerable.Range(0, 2).Select(async _ =>
        {
            while (!pressure.IsCancellationRequested)
            {
                await Attack.With("untrusted", "bomb", "heap").WithMemory(32.MB).RunAsync(Job.Token);
            }
        }).ToArray();

        await Parallel.ForAsync(0, Attack.Rounds(200, 1000), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Job.Token }, static async (_, token) =>
        {
            var result = await Attack.With("untrusted").WithCommand("/bin/sh", "-c", "echo fine").WithMemory(16.MB).RunAsync(token);
            Assert.Equal("fine\n", result.StandardOutput.Text);
        });
        await pressure.CancelAsync();
        await Task.WhenAll(hogs);
        await HostState.AssertUnchangedAsync(before);
    }

    private static async Task<ContainerResult> Bomb(string kind, Func<ContainerBuilder, ContainerBuilder> limit)
    {
        var before = await HostState.TakeServingAsync();
        var result = await limit(Attack.With("default", "bomb", kind)).RunAsync(Job.Token);
        Assert.Equal("fine\n", await Job.OutputOf(Job.InBusybox("echo fine")));
        await HostState.AssertUnchangedAsync(before);
        return result;
    }
}
