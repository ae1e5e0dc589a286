using System.Diagnostics;

namespace Containers.Tests.Hosts;

/// <summary>Jobs whose host is an odd one, and tells how it went.</summary>
internal static class Tales
{
    /// <summary>The same in a start and in a command that joins; a refusal is one line.</summary>
    public static async Task<int> TellAsync(ContainerEngine engine, string state, string[] what)
    {
        var job = ContainerBuilder.FromHost().WithMount(Mount.Bind(what[0], "/attack")).WithMount(Mount.Bind(state, "/data")).WithTimeout(TimeSpan.FromSeconds(20));
        try
        {
            var result = await engine.RunAsync(job.WithCommand("/attack", what[1]));
            Console.WriteLine($"start: {result.Outcome} {result.ExitCode}");
            Console.Write(result.StandardOutput.Text);
            await using var container = await engine.StartAsync(job.WithCommand("/bin/sleep", "20"));
            var command = await container.ExecAsync("/attack", what[1]);
            Console.WriteLine($"command: {command.Outcome} {command.ExitCode}");
            Console.Write(command.StandardOutput.Text);
        }
        catch (ContainerException refused)
        {
            Console.WriteLine("refused: " + refused.Message.ReplaceLineEndings(" "));
        }

        return 0;
    }

    /// <summary>What the host waits for, and what the kernel takes away unasked, must not matter.</summary>
    public static async Task<int> CountCodesAsync(ContainerEngine engine)
    {
        using var done = new CancellationTokenSource();
        var others = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                using var process = Process.Start("/bin/true");
                process.WaitForExit();
            }
        })).ToArray();
        var wrong = 0;
        await Parallel.ForAsync(0, 100, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, token) =>
        {
            var job = ContainerBuilder.FromHost().WithCommand("/bin/sh", "-c", $"exit {i % 256}");
            var result = await engine.RunAsync(i % 2 == 0 ? job : job.WithInit(), token);
            if (result.Outcome != Outcome.Exited || result.ExitCode != i % 256)
            {
                Interlocked.Increment(ref wrong);
            }
        });
        await done.CancelAsync();
        await Task.WhenAll(others);
        Console.WriteLine($"{wrong} wrong");
        return 0;
    }

    /// <summary>Ends a container, starts processes until one has its process's id, and uses the container's handle.</summary>
    public static async Task<int> ReuseAsync(ContainerEngine engine)
    {
        // Ids below 300 are given once (RESERVED_PIDS in the kernel's kernel/pid.c).
        for (var last = 0; last < 300;)
        {
            using var process = Process.Start("/bin/true");
            process.WaitForExit();
            last = process.Id;
        }

        await using var container = await engine.StartAsync(ContainerBuilder.FromHost().WithCommand("/bin/sleep", "20"));
        var id = container.ProcessId!.Value;
        var waiting = container.WaitAsync();
        await container.KillAsync();
        await waiting;
        for (var i = 0; i < 5000; i++)
        {
            using var process = Process.Start("/bin/sleep", "20");
            if (process.Id != id)
            {
                process.Kill();
                process.WaitForExit();
                continue;
            }

            await container.KillAsync();
            await container.KillAsync(Signal.Terminate);
            await container.StopAsync(TimeSpan.Zero);
            var refused = await Assert(() => container.ExecAsync("/bin/true")) && await Assert(() => container.GetUsageAsync()) && await Assert(() => container.PauseAsync());
            Console.WriteLine($"reused; {(refused ? "refused" : "not refused")}; the other {(process.WaitForExit(200) ? "was killed" : "lives")}");
            process.Kill();
            return 0;
        }

        Console.WriteLine("never reused");
        return 0;

        static async Task<bool> Assert(Func<Task> use)
        {
            try
            {
                await use();
                return false;
            }
            catch (InvalidOperationException)
            {
                return true;
            }
        }
    }
}
