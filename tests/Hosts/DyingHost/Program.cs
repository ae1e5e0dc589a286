using System.Globalization;
using Containers;
using Containers.Tests.Hosts;

// An application with containers, to be killed by tests. Arguments: its engine's state directory, and what it does:
//   hold   20 containers, whose processes it names in a line
//   outer  two containers among the host's processes, each with one that has left its session; prints what they sleep
//   confined  the same, without namespaces
//   churn  short jobs without end
//   init   one short job with an init
//   stall  containers that wait at the steps of their set-up
//   probe  what can be had here, and a job without namespaces
//   ids    whose ids a container has, and why it can have no others
//   tell:PROGRAM:ARGUMENT  what that program prints in a container, and then in a command of another one; or why there is none
//   codes  exit codes, while the host starts and waits for processes of its own
//   reuse  what becomes of a container's handle when its process's id is another's
if (args is not [var state, var work])
{
    await Console.Error.WriteLineAsync("usage: DyingHost STATE-DIRECTORY hold|outer|confined|churn|init|stall|ids|probe|tell|codes|reuse");
    return 2;
}

await using var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = state });
if (work == "hold")
{
    var job = ContainerBuilder.FromHost().WithCommand("/bin/sh", "-c", "trap '' HUP INT TERM; sleep 60 & sleep 60");
    var containers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => engine.StartAsync(job)));
    Console.WriteLine(string.Join(' ', containers.Select(static container => container.ProcessId!.Value.ToString(CultureInfo.InvariantCulture))));
    await Task.Delay(Timeout.Infinite);
}

if (work is "outer" or "confined")
{
    var time = (10000 + Environment.ProcessId).ToString(CultureInfo.InvariantCulture);
    var job = ContainerBuilder.FromHost().WithCommand("/bin/sh", "-c", $"trap '' HUP INT TERM; (setsid sleep {time} &); sleep {time} & echo; wait");
    job = work == "outer" ? job.WithNamespace(NamespaceKind.Pid, NamespaceMode.Host) : job.WithoutNamespaces();
    foreach (var container in await Task.WhenAll(engine.StartAsync(job), engine.StartAsync(job)))
    {
        await container.StandardOutput.ReadAsync();
    }

    await Task.Delay(200);
    Console.WriteLine(time);
    await Task.Delay(Timeout.Infinite);
}

if (work.StartsWith("stall", StringComparison.Ordinal))
{
    // "stall-init:40": containers that wait for ever, each at another step of its set-up, beginning with this one.
    var step = int.Parse(work.AsSpan(work.IndexOf(':', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture);
    var waiting = ContainerBuilder.FromHost().WithCommand("/bin/sleep", "60").WithMemory(64.MB).WithFile("/etc/x", "x");
    waiting = work.Contains("init", StringComparison.Ordinal) ? waiting.WithInit() : waiting;
    await engine.RunAsync(ContainerBuilder.FromHost().WithCommand("/bin/true"));
    var (next, steps) = (step, 0);
    engine.ProgramCompiled = program =>
    {
        steps = program.StepCount;
        program.Stall(Math.Min(next++, steps - 1));
    };
    var runs = Enumerable.Range(0, 40).Select(_ => engine.RunAsync(waiting)).ToArray();

    // Those whose step was jumped over, or comes after the execve, sleep instead; the test looks which.
    await Task.Delay(300);
    Console.WriteLine($"{steps} {runs.Count(static run => !run.IsCompleted)}");
    await Task.Delay(Timeout.Infinite);
}

if (work == "ids")
{
    var job = ContainerBuilder.FromHost().WithCommand("cut", "-c", "23-", "/proc/self/uid_map");
    var ids = await engine.RunAsync(job);
    Console.WriteLine($"{ids.StandardOutput.Text.Trim()} {(engine.NoUserNamespaces is null ? "unexplained" : "explained")}");
    try
    {
        await engine.RunAsync(job.WithUserNamespace(UserNamespace.Private));
    }
    catch (ContainerException refused)
    {
        Console.WriteLine(refused.Message);
    }

    return 0;
}

if (work.StartsWith("tell:", StringComparison.Ordinal))
{
    return await Tales.TellAsync(engine, state, work.Split(':')[1..]);
}

if (work == "codes")
{
    return await Tales.CountCodesAsync(engine);
}

if (work == "reuse")
{
    return await Tales.ReuseAsync(engine);
}

if (work == "probe")
{
    Console.WriteLine(await engine.ProbeAsync());
    var confined = await engine.RunAsync(ContainerBuilder.FromHost().WithCommand("/bin/sh", "-c", "(setsid sleep 60 &); cat /etc/dyinghost || echo confined").WithoutNamespaces());
    Console.WriteLine($"{confined.Outcome} {confined.StandardOutput.Text}");
    return 0;
}

if (work == "init")
{
    (await engine.RunAsync(ContainerBuilder.FromHost().WithCommand("/bin/true").WithInit())).EnsureSuccess();
    Console.WriteLine("ran with an init");
    return 0;
}

var brief = ContainerBuilder.FromHost().WithCommand("/bin/true");
await engine.RunAsync(brief);
Console.WriteLine("running");
await Parallel.ForAsync(0, int.MaxValue, new ParallelOptions { MaxDegreeOfParallelism = 4 },
    async (_, token) => await engine.RunAsync(brief, token));
return 0;
