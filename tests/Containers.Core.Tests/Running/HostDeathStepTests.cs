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
        var stalled = 0;
        int steps;
        var step = 0;
        do
        {
            using var host = DyingHost.Start(DyingHost.Program, _state, string.Create(CultureInfo.InvariantCulture, $"{work}:{step}"));
            var told = (await host.ReadLineAsync()).Split(' ').Select(static number => int.Parse(number, CultureInfo.InvariantCulture)).ToArray();
            steps = told[0];
            Assert.Equal(Batch, told[1]);
            await AllWaitAsync(Batch);
            stalled += HostState.CountBelow(Waits);
            host.Kill();
            var since = Stopwatch.GetTimestamp();
            while (HostState.CountBelow(static process => !IsLeftToInit(process)) > before.Processes)
            {
                Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(1), $"a process at one of the steps from {step} on outlived its host: {HostState.NamesBelow()}");
                await Task.Delay(10, Job.Token);
            }

            step += Batch;
        }
        while (step < steps);

        // Of all steps few are jumped over: what this kernel does not have, and what follows the execve.
        Assert.InRange(steps, 150, 1000);
        Assert.InRange(stalled, steps * 9 / 10, steps + (2 * Batch));
        await using (var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = _state }))
        {
            Assert.True((await engine.RunAsync(Job.Shell("true"), Job.Token)).IsSuccess);
        }

        Assert.Empty(Directory.GetDirectories(_state));
        Assert.Equal(mounts, await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token));
        Assert.Equal(before.Cgroups, HostState.Take().Cgroups);
    }

    /// <summary>Every container is at its step, or at its sleep: nothing below runs any more.</summary>
    private static async Task AllWaitAsync(int containers)
    {
        var since = Stopwatch.GetTimestamp();
        while (HostState.CountBelow(static process => Waits(process) || Sleeps(process)) < containers)
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(20), $"not every container waits: {HostState.NamesBelow()}");
            await Task.Delay(20, Job.Token);
        }
    }

    /// <summary>It has ended, and its parent, the host, too: the machine's init takes the zombie away when it gets to it.</summary>
    private static bool IsLeftToInit(string process) => HostState.ReadOrEmpty(process + "/status").Split('\n') is var status &&
        status.Contains("State:\tZ (zombie)") && status.Contains("PPid:\t1");

    /// <summary>In ppoll with nothing to wait for, as the step was made (proc_pid_syscall(5)); guardians have something.</summary>
    private static bool Waits(string process) => HostState.ReadOrEmpty(process + "/syscall") is var call &&
        call.StartsWith($"{Containers.Launch.SystemCall.Poll.Number} 0x0 0x0 0x0 ", StringComparison.Ordinal);

    private static bool Sleeps(string process) => HostState.ReadOrEmpty(process + "/comm") == "sleep\n";
}
