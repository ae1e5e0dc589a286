using System.Diagnostics;
using System.Globalization;

namespace Containers.Security.Tests;

/// <summary>Jobs that take all there is of something that all share: the host and other containers still have theirs.</summary>
[Collection(WholeHost.Name)]
public sealed class ExhaustionTests
{
    [Theory]
    [InlineData("terminals")]
    [InlineData("queues")]
    [InlineData("shared-memory")]
    [InlineData("semaphores")]
    [InlineData("messages")]
    [InlineData("timers")]
    [InlineData("descriptors")]
    [InlineData("keys")]
    public async Task WhatTheKernelCounts_IsLeftForOthers(string kind)
    {
        await using var hog = await Attack.With("default", "exhaust", kind).WithMemory(64.MB).StartAsync(Job.Token);
        var line = System.Text.Encoding.UTF8.GetString((await hog.StandardOutput.ReadAsync(Job.Token)).Buffer.FirstSpan);
        if (line.Length == 0)
        {
            // They cost memory, which it has not enough of.
            Assert.Equal(Outcome.OutOfMemory, (await hog.WaitAsync(Job.Token)).Outcome);
            return;
        }

        var taken = int.Parse(line, CultureInfo.InvariantCulture);
        Assert.InRange(taken, 0, 80_000);

        using (var terminal = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec 3<> /dev/ptmx && : > /dev/shm/containers-exhaustion && rm /dev/shm/containers-exhaustion"]))!)
        {
            await terminal.WaitForExitAsync(Job.Token);
            Assert.Equal(0, terminal.ExitCode);
        }

        var neighbour = await Attack.With("default", "exhaust", kind).WithMemory(64.MB).StartAsync(Job.Token);
        await using (neighbour)
        {
            var others = System.Text.Encoding.UTF8.GetString((await neighbour.StandardOutput.ReadAsync(Job.Token)).Buffer.FirstSpan);
            Assert.True(kind == "keys" || int.Parse(others, CultureInfo.InvariantCulture) > 0, $"{taken} were taken, and none is left for another container");
        }

        Assert.Equal("fine\r\n", await Job.OutputOf(Job.InBusybox("echo fine").WithTerminal()));
    }

    /// <summary>What the kernel keeps on behalf of a job is charged to it, or another limit comes first.</summary>
    [Theory]
    [InlineData("watches")]
    [InlineData("names")]
    [InlineData("polls")]
    [InlineData("areas")]
    [InlineData("unlinked")]
    [InlineData("threads")]
    public async Task MemoryOfTheKernel_IsBounded(string kind)
    {
        var available = AvailableMemory();
        var result = await Attack.With("default", "bomb", kind).WithMemory(32.MB).WithMaxProcesses(2000).RunAsync(Job.Token);
        Assert.True(result.Outcome is Outcome.OutOfMemory or Outcome.DiskLimitExceeded || result.ExitCode == 4, $"{result}");
        Assert.InRange(result.Usage.PeakMemory!.Value.Bytes, 0, 34L << 20);
        Assert.InRange(available - AvailableMemory(), long.MinValue, 256L << 20);
    }

    /// <summary>None of them can come before others, and all end at once.</summary>
    [Fact]
    public async Task SpinnersOnEveryProcessor_GetTheirShareAndEndAtOnce()
    {
        await using var container = await Attack.With("default", "spin").WithCpus(0.5).WithTimeout(TimeSpan.FromSeconds(20)).StartAsync(Job.Token);
        var started = Stopwatch.GetTimestamp();
        var before = (await container.GetUsageAsync(Job.Token)).TotalCpu!.Value;
        await Task.Delay(TimeSpan.FromSeconds(2), Job.Token);
        var used = (await container.GetUsageAsync(Job.Token)).TotalCpu!.Value - before;
        Assert.InRange(used / Stopwatch.GetElapsedTime(started), 0, 0.6);
        var scheduled = await container.ExecAsync("/bin/sh", "-c", "for p in /proc/[0-9]*; do cut -d ')' -f 2 $p/stat | cut -d ' ' -f 18,19,41; done | sort -u");
        Assert.DoesNotMatch("(?m)^(-|[0-9]+ -| *[0-9]+ -?[0-9]+ 1$)", scheduled.StandardOutput.Text);

        started = Stopwatch.GetTimestamp();
        await container.KillAsync(cancellationToken: Job.Token);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(6)]
    public async Task AFewMegabytes_AreEnoughOrRefused(int megabytes)
    {
        foreach (var init in (bool[])[false, true])
        {
            var job = Job.InBusybox("exec /bin/true").WithMemory(new ByteSize((long)megabytes << 20));
            try
            {
                var result = await (init ? job.WithInit() : job).RunAsync(Job.Token);
                Assert.True(result.IsSuccess || result.Outcome == Outcome.OutOfMemory, $"{result}");
            }
            catch (ContainerException refused)
            {
                Assert.Contains("WithMemory", refused.Message, StringComparison.Ordinal);
            }
        }

        Assert.Equal("fine\n", await Job.OutputOf(Job.InBusybox("echo fine")));
    }

    [Theory]
    [InlineData("stop")]
    [InlineData("dispose")]
    [InlineData("timeout")]
    public async Task AFrozenContainer_EndsAsAnyOther(string how)
    {
        var job = Attack.With("default", "deaf").WithTimeout(TimeSpan.FromSeconds(how == "timeout" ? 1 : 20));
        await using var container = await job.StartAsync(Job.Token);
        await Task.Delay(100, Job.Token);
        await container.PauseAsync(Job.Token);
        var soon = TimeSpan.FromSeconds(5);
        switch (how)
        {
            case "stop":
                Assert.Equal(Outcome.Canceled, (await container.StopAsync(TimeSpan.FromMilliseconds(200), Job.Token).WaitAsync(soon, Job.Token)).Outcome);
                break;
            case "dispose":
                await container.DisposeAsync().AsTask().WaitAsync(soon, Job.Token);
                break;
            default:
                Assert.Equal(Outcome.TimedOut, (await container.WaitAsync(Job.Token).WaitAsync(soon, Job.Token)).Outcome);
                break;
        }

        Assert.False(container.IsRunning);
    }

    [Fact]
    public async Task OrphansWithoutEnd_AreReapedAsTheyCome()
    {
        var result = await Attack.With("default", "orphans", Attack.Rounds(10_000, 100_000).ToString(CultureInfo.InvariantCulture)).WithInit().WithMaxProcesses(200)
            .WithTimeout(TimeSpan.FromMinutes(5)).RunAsync(Job.Token);
        Assert.True(result.IsSuccess, $"{result}");
        Assert.InRange(int.Parse(result.StandardOutput.Text, CultureInfo.InvariantCulture), 1, 100);
    }

    private static long AvailableMemory() => long.Parse(
        File.ReadLines("/proc/meminfo").First(static line => line.StartsWith("MemAvailable:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture) << 10;
}
