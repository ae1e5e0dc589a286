namespace Containers.Tests.Running;

/// <summary>Thousands of jobs leave the host with what it had.</summary>
[Collection(WholeHost.Name)]
public sealed class LeakTests
{
    [Fact]
    public async Task TwoThousandJobsSixteenAtATime_LeaveNothing()
    {
        var job = Job.InBusybox("echo out; echo err >&2").WithMemory(64.MB).WithCpus(1).WithStandardInput("in");
        await RunManyAsync(32);
        var before = await HostState.TakeServingAsync(atATime: 16);
        var memory = GC.GetTotalMemory(forceFullCollection: true);

        await RunManyAsync(2000);

        await HostState.AssertUnchangedAsync(before);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - memory, long.MinValue, 2 << 20);

        Task RunManyAsync(int count) => Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Job.Token },
            async (_, token) => Assert.Equal("out\n", (await job.RunAsync(token)).EnsureSuccess().StandardOutput.Text));
    }

    [Fact]
    public async Task AFlood_DoesNotGrowTheHost()
    {
        const long Flood = 10L << 30;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var result = await ContainerBuilder.FromHost().WithCommand("head", "-c", Flood.ToString(System.Globalization.CultureInfo.InvariantCulture), "/dev/zero")
            .WithOutputLimit(64.KB).RunAsync(Job.Token);

        Assert.Equal(Outcome.Exited, result.Outcome);
        Assert.Equal(Flood, result.StandardOutput.TotalBytes);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 8 << 20);
    }

    [Fact]
    public async Task ARunningContainer_CostsLittle()
    {
        await using var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = Directory.CreateTempSubdirectory("containers-cost-").FullName });
        var job = Job.InBusybox("exec sleep 60");
        await using var first = await engine.StartAsync(job, Job.Token);
        const int Count = 20;
        var before = HostState.Take();
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        var containers = new List<Container>();
        for (var i = 0; i < Count; i++)
        {
            containers.Add(await engine.StartAsync(job, Job.Token));
        }

        var now = HostState.Take();
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - memory;
        Assert.Equal(before.Threads, now.Threads);
        Assert.InRange(now.Processes - before.Processes, 0, Count);
        Assert.InRange((now.Descriptors - before.Descriptors) / Count, 1, 12);
        Assert.InRange(bytes / Count, 0, 64 << 10);
        foreach (var container in containers)
        {
            await container.DisposeAsync();
        }
    }
}
