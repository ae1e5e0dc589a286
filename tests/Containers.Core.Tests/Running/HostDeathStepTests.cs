using System.Diagnostics;
using System.Globalization;

namespace Containers.Tests.Running;

/// <summary>The host is killed while a container is at each single step of its set-up: nothing is left of any.</summary>
[Collection(WholeHost.Name)]
public sealed class HostDeathStepTests : IDisposable
{
    private readonly string _state = Directory.CreateTempSubdirectory("containers-state-").FullName;

    public void Dispose() => Directory.Delete(_state, recursive: true);

    [Theory]
    [InlineData("stall")]
    [InlineData("stall-init")]
    public async Task AHostKilledAtAnyStep_LeavesNothing(string work)
    {
        const int Batch = 40;
        var before = HostState.Take();
        var mounts = await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token);
        int steps;
        var step = 0;
        do
        {
            using var host = DyingHost.Start(DyingHost.Program, _state, string.Create(CultureInfo.InvariantCulture, $"{work}:{step}"));
            steps = int.Parse(await host.ReadLineAsync(), CultureInfo.InvariantCulture);
            Assert.True(HostState.Take().Processes > before.Processes + (Batch / 2), "the containers do not wait");
            host.Kill();
            var since = Stopwatch.GetTimestamp();
            while (HostState.Take().Processes > before.Processes)
            {
                Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(1), $"a process at one of the steps from {step} on outlived its host: {HostState.NamesBelow()}");
                await Task.Delay(10, Job.Token);
            }

            step += Batch;
        }
        while (step < steps);

        Assert.InRange(steps, 150, 1000);
        await using (var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = _state }))
        {
            Assert.True((await engine.RunAsync(Job.Shell("true"), Job.Token)).IsSuccess);
        }

        Assert.Empty(Directory.GetDirectories(_state));
        Assert.Equal(mounts, await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token));
        Assert.Equal(before.Cgroups, HostState.Take().Cgroups);
    }
}
