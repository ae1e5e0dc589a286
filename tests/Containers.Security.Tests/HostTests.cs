namespace Containers.Security.Tests;

/// <summary>What happens to the host process must not happen to its containers, nor be theirs to decide.</summary>
[Collection(WholeHost.Name)]
public sealed class HostTests : IDisposable
{
    private readonly string _state = Directory.CreateTempSubdirectory("containers-hosts-").FullName;

    public void Dispose() => Directory.Delete(_state, recursive: true);

    /// <summary>A thread's death signal would come when the thread ends that made the container.</summary>
    [Fact]
    [Trait("Category", "Rootless")]
    public async Task ThreadsThatEnd_TakeNoContainerWithThem()
    {
        await using var engine = new ContainerEngine();
        var containers = new List<Container>();
        for (var i = 0; i < 12; i++)
        {
            Container? started = null;
            var thread = new Thread(() => started = engine.StartAsync(Job.InBusybox("exec sleep 60").WithTimeout(TimeSpan.FromMinutes(1))).GetAwaiter().GetResult());
            thread.Start();
            thread.Join();
            containers.Add(started!);
        }

        for (var i = 0; i < 500; i++)
        {
            var thread = new Thread(static () => { });
            thread.Start();
            thread.Join();
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.All(containers, static container => Assert.True(container.IsRunning));
        foreach (var container in containers)
        {
            Assert.True((await container.ExecAsync("/bin/true")).IsSuccess);
            await container.DisposeAsync();
        }
    }

    /// <summary>A .NET process that is PID 1, or that had SIGCHLD ignored when it was started, reaps children that it does not know.</summary>
    [Theory]
    [InlineData("exec \"$0\" \"$@\"")]
    [InlineData("trap '' CHLD; exec \"$0\" \"$@\"")]
    [InlineData("unshare --pid --fork --mount-proc \"$0\" \"$@\"")]
    public async Task ExitCodes_AreRight_WhoeverReaps(string shell)
    {
        using var host = DyingHost.Start("/bin/sh", "-c", shell, DyingHost.Program, _state, "codes");
        Assert.Equal("0 wrong\n", await host.ReadToEndAsync());
    }

    /// <summary>With few ids to give, as the machine has after some days: who has the id now is never taken for the container.</summary>
    [Fact]
    public async Task AnIdThatIsAnothersNow_IsLeftAlone()
    {
        // Before Linux 6.14 there is one limit for the whole machine, which no test may lower.
        Assert.SkipUnless(Environment.IsPrivilegedProcess && Environment.OSVersion.Version >= new Version(6, 14), "a PID namespace has no limit of ids of its own");
        using var host = DyingHost.Start("unshare", "--pid", "--fork", "--mount-proc", "/bin/sh", "-c", "echo 400 > /proc/sys/kernel/pid_max && [ $(cat /proc/sys/kernel/pid_max) = 400 ] || exit 3; exec \"$0\" \"$@\"", DyingHost.Program, _state, "reuse");
        Assert.Equal("reused; refused; the other lives\n", await host.ReadToEndAsync());
    }

    /// <summary>The next engine takes away what is a dead one's, and nothing that is not.</summary>
    [Fact]
    public async Task ASweep_TakesOnlyWhatIsTheDeads()
    {
        await using var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = _state });
        await using var container = await engine.StartAsync(Job.InBusybox("echo here > /tmp/file; exec sleep 600").WithTimeout(TimeSpan.FromMinutes(10)), Job.Token);
        var random = new Random(11);
        for (var round = 0; round < Attack.Rounds(4, 200); round++)
        {
            using (var host = DyingHost.Start(DyingHost.Program, _state, "churn"))
            {
                await host.ReadLineAsync();
                await Task.Delay(random.Next(5, 100), Job.Token);
                host.Kill();
            }

            await using var next = new ContainerEngine(new ContainerEngineOptions { StateDirectory = _state });
            Assert.True((await next.RunAsync(Job.InBusybox("true"), Job.Token)).IsSuccess);
            Assert.Equal(2, Directory.GetDirectories(_state).Length);
            Assert.Equal("here\n", (await container.ExecAsync("/bin/cat", "/tmp/file")).StandardOutput.Text);
        }
    }

    [Fact]
    public async Task CancelingAtAnyMoment_LeavesNothing()
    {
        await using var engine = new ContainerEngine();
        await engine.RunAsync(Job.InBusybox("true"), Job.Token);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => engine.RunAsync(Job.InBusybox("sleep 0.1"), Job.Token)));
        var before = HostState.Take();
        var mounts = await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token);
        var random = new Random(23);
        await Parallel.ForAsync(0, Attack.Rounds(400, 10_000), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Job.Token }, async (round, token) =>
        {
            using var source = new CancellationTokenSource();
            lock (random)
            {
                source.CancelAfter(TimeSpan.FromMicroseconds(random.Next(0, 12_000)));
            }

            var job = Job.InBusybox("exit 3");
            if (round % 2 == 0)
            {
                var result = await engine.RunAsync(job, source.Token).WaitAsync(TimeSpan.FromSeconds(20), token);
                Assert.True(result.Outcome == Outcome.Canceled || result.ExitCode == 3, $"{result}");
                return;
            }

            try
            {
                var container = await engine.StartAsync(job.WithInit(), source.Token).WaitAsync(TimeSpan.FromSeconds(20), token);
                await container.DisposeAsync();
                await container.DisposeAsync();
            }
            catch (OperationCanceledException)
            {
                token.ThrowIfCancellationRequested();
            }
        });

        Assert.Equal(mounts, await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token));
        await HostState.AssertUnchangedAsync(before);
    }
}
