namespace Containers.Security.Tests;

/// <summary>A job that traces its own processes, or commands that join it, and never waits for them: what ends a container must end these too.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
public sealed class TracedProcessTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(4);

    [Theory]
    [InlineData("timeout", "exit", false)]
    [InlineData("timeout", "exit", true)]
    [InlineData("timeout", "none", false)]
    [InlineData("timeout", "none", true)]
    [InlineData("kill", "exit", false)]
    [InlineData("kill", "exit", true)]
    [InlineData("kill", "none", false)]
    [InlineData("kill", "none", true)]
    [InlineData("stop", "exit", false)]
    [InlineData("stop", "exit", true)]
    [InlineData("stop", "none", false)]
    [InlineData("stop", "none", true)]
    public async Task AJobHeldByItsOwnChild_EndsAllTheSame(string how, string stop, bool init)
    {
        var job = Traceable("parent", stop).WithTimeout(TimeSpan.FromSeconds(how == "timeout" ? 1 : 15));
        await using var container = await (init ? job.WithInit() : job).StartAsync(Job.Token);
        await Task.Delay(300, Job.Token);
        var ended = container.WaitAsync(Job.Token);
        await (how switch
        {
            "kill" => container.KillAsync(cancellationToken: Job.Token).WaitAsync(Soon, Job.Token),
            "stop" => container.StopAsync(TimeSpan.FromMilliseconds(100), Job.Token).WaitAsync(Soon, Job.Token),
            _ => Task.CompletedTask,
        });

        Assert.Equal(how == "timeout" ? Outcome.TimedOut : Outcome.Canceled, (await ended.WaitAsync(Soon, Job.Token)).Outcome);
    }

    /// <summary>The default filter refuses the option that holds longest; here it is allowed.</summary>
    private static ContainerBuilder Traceable(string whom, string stop) =>
        Attack.With("default", "hold", whom, stop).WithSeccomp(SeccompProfile.Default.Allow("ptrace"));

    [Theory]
    [InlineData("exit")]
    [InlineData("none")]
    public async Task ACommandHeldByTheJob_EndsAndTheJobWithIt(string stop)
    {
        // Whoever holds a command is killed for it: here the main process, and so the container ends.
        await EndsAsync(static (container, token) => container.ExecAsync(["/bin/sleep", "60"], new ExecOptions { Timeout = TimeSpan.FromMilliseconds(500) }, token), Outcome.TimedOut);
        await EndsAsync(
            static async (container, token) =>
            {
                using var source = CancellationTokenSource.CreateLinkedTokenSource(token);
                source.CancelAfter(TimeSpan.FromMilliseconds(500));
                return await container.ExecAsync(["/bin/sleep", "60"], null, source.Token);
            },
            Outcome.Canceled);
        if (stop == "none")
        {
            await EndsAsync(static (container, token) => container.ExecAsync(["/bin/sleep", "0.3"], null, token), Outcome.Exited);
        }

        async Task EndsAsync(Func<Container, CancellationToken, Task<ContainerResult>> execute, Outcome outcome)
        {
            await using var container = await Traceable("others", stop).StartAsync(Job.Token);
            await Task.Delay(300, Job.Token);
            Assert.Equal(outcome, (await execute(container, Job.Token).WaitAsync(Soon, Job.Token)).Outcome);
            await container.WaitAsync(Job.Token).WaitAsync(Soon, Job.Token);
        }
    }
}
