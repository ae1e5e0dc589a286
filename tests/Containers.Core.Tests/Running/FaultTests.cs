using Containers.Interop;
using Containers.Launch;

namespace Containers.Tests.Running;

/// <summary>Every step of a set-up is made to fail in turn, and the process to end there: the host is told and nothing is left.</summary>
[Collection(WholeHost.Name)]
public sealed class FaultTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("containers-fault-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task AnyStepThatFails_IsReportedAndLeavesNothing(bool init, bool ends)
    {
        await using var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = _directory + "/state" });
        var job = Job.InBusybox("true").WithMemory(64.MB).WithMount(Mount.Bind(_directory, "/data")).WithFile("/etc/x", "x").WithSysctl("net.ipv4.ip_forward", "1");
        job = init ? job.WithInit() : job;
        var steps = 0;
        engine.ProgramCompiled = program => steps = program.StepCount;
        Assert.True((await engine.RunAsync(job, Job.Token)).IsSuccess);
        var before = HostState.Take();
        var mounts = await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token);

        Assert.InRange(steps, 100, 1000);
        for (var step = 0; step < steps; step++)
        {
            var broken = step;
            StepNote note = default;
            engine.ProgramCompiled = program =>
            {
                note = program.Note(broken);
                program.Sabotage(broken, ends ? null : Errno.ELIBBAD);
            };

            // Steps after the execve, and jumps not taken, are not reached.
            var outcome = await Record.ExceptionAsync(async () => Assert.True((await engine.RunAsync(job, Job.Token)).IsSuccess));
            if (outcome is not null)
            {
                var failure = Assert.IsType<ContainerException>(outcome);
                Assert.True(ends || failure.ErrorNumber == (int)Errno.ELIBBAD || note.Phase == SetupPhase.Execute, $"step {step}: {failure.Message}");
            }
            else
            {
                Assert.True(note.Call is null || note.What == "leave the job alone" || note.Phase is SetupPhase.Execute || IsSkipped(note), $"step {step} ({note.Call} {note.What} {note.Subject}) was not missed");
            }
        }

        Assert.Equal(mounts, await File.ReadAllLinesAsync("/proc/self/mountinfo", Job.Token));
        await HostState.AssertUnchangedAsync(before);
    }

    /// <summary>What covers a path that this kernel does not have is jumped over.</summary>
    private static bool IsSkipped(in StepNote note) => note.Phase is SetupPhase.Protect or SetupPhase.BuildRoot && note.Subject is { } path && !Path.Exists(path);
}
