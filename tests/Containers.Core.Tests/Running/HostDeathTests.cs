using System.Diagnostics;
using System.Globalization;

namespace Containers.Tests.Running;

/// <summary>Nothing outlives the host, however it dies.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
public sealed class HostDeathTests : IDisposable
{
    private readonly string _state = Directory.CreateTempSubdirectory("containers-state-").FullName;

    public void Dispose() => Directory.Delete(_state, recursive: true);

    [Fact]
    public async Task AKilledHost_TakesItsContainersWithIt()
    {
        using var host = DyingHost.Start(DyingHost.Program, _state, "hold");
        var pids = (await host.ReadLineAsync()).Split(' ').Select(static pid => int.Parse(pid, CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(20, pids.Length);
        Assert.All(pids, static pid => Assert.True(Directory.Exists($"/proc/{pid}")));

        host.Kill();

        var since = Stopwatch.GetTimestamp();
        while (pids.Any(static pid => Directory.Exists($"/proc/{pid}")))
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(1), "a container outlived its host");
            await Task.Delay(10, Job.Token);
        }

        await AssertSweptAsync();
    }

    [Fact]
    public async Task AHostKilledAtAnyMoment_LeavesNothingThatTheNextEngineDoesNotSweep()
    {
        var random = new Random(20261124);
        for (var round = 0; round < 8; round++)
        {
            using var host = DyingHost.Start(DyingHost.Program, _state, "churn");
            await host.ReadLineAsync();
            await Task.Delay(random.Next(5, 150), Job.Token);
            host.Kill();
        }

        await AssertSweptAsync();
    }

    private async Task AssertSweptAsync()
    {
        var dead = Directory.GetDirectories(_state).Select(Path.GetFileName).ToArray();
        Assert.NotEmpty(dead);
        await using (var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = _state }))
        {
            Assert.True((await engine.RunAsync(Job.Shell("true"), Job.Token)).IsSuccess);
            Assert.Single(Directory.GetDirectories(_state));
        }

        Assert.Empty(Directory.GetDirectories(_state));
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        Assert.All(dead, name => Assert.Empty(Directory.EnumerateDirectories("/sys/fs/cgroup", name!, options)));
    }
}
