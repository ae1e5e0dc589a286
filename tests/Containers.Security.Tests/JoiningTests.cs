using System.Globalization;
using System.Text;

namespace Containers.Security.Tests;

/// <summary>Commands that join a container in which nothing is as it was, or which ends meanwhile.</summary>
[Collection(WholeHost.Name)]
public sealed class JoiningTests
{
    /// <summary>An engine that joined by process ids would be in the other process's namespaces.</summary>
    [Fact]
    public async Task ACommand_JoinsTheNamespacesOfTheStart_WhateverTheMainProcessDidSince()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs a capability that the default user namespace has for root");
        var job = Job.InBusybox("mount --bind /tmp /etc; echo x > /tmp/passwd; exec unshare -m -u -i -n /bin/sh -c 'mount -t tmpfs x /bin; echo ready; read forever'")
            .WithCapability(Capability.SysAdmin).WithoutSeccomp();
        await using var container = await job.StartAsync(Job.Token);
        await container.StandardOutput.ReadAsync(Job.Token);
        var result = await container.ExecAsync("/bin/sh", "-c", "for n in mnt uts ipc net; do [ $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) ] && echo same $n; done; ls /bin/sh");
        Assert.Equal("/bin/sh\n", result.StandardOutput.Text);
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public async Task WhatACommandLeavesBehind_EndsWithTheContainer()
    {
        var before = await HostState.TakeServingAsync();
        var container = await Job.InBusybox("exec sleep 60").StartAsync(Job.Token);
        for (var i = 0; i < 5; i++)
        {
            await container.ExecAsync("/bin/sh", "-c", "setsid sleep 1000 > /dev/null 2>&1 & (setsid sh -c 'trap \"\" HUP TERM INT; sleep 1000' > /dev/null 2>&1 &); :");
        }

        Assert.True((await container.GetUsageAsync(Job.Token)).CurrentProcesses is null or >= 10);
        await container.DisposeAsync();
        Assert.Equal(before.Processes, HostState.CountBelow(static _ => true));
    }

    /// <summary>Short jobs, while commands are run in them and they are stopped, paused and counted: nothing waits for ever, nothing is told wrong.</summary>
    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 7", 7)]
    [InlineData("kill -9 $$", -1)]
    public async Task AContainerThatEnds_HoldsNobody(string script, int code)
    {
        await using var engine = new ContainerEngine();
        var job = Job.InBusybox(script).WithInit();
        var random = new Random(7);
        await Parallel.ForAsync(0, Attack.Rounds(60, 6000), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Job.Token }, async (round, token) =>
        {
            int delay;
            lock (random)
            {
                delay = random.Next(0, 6);
            }

            await using var container = await engine.StartAsync(job, token).WaitAsync(TimeSpan.FromSeconds(10), token);
            await Task.Delay(delay, token);
            var uses = new List<Task> { Attempt(() => container.ExecAsync("/bin/true")), Attempt(() => container.GetUsageAsync(token)) };
            if (round % 3 == 0)
            {
                uses.Add(Attempt(async () =>
                {
                    await container.PauseAsync(token);
                    await container.ResumeAsync(token);
                }));
            }

            if (round % 3 == 1)
            {
                uses.Add(Attempt(() => container.StopAsync(TimeSpan.FromMilliseconds(50), token)));
            }

            var result = await container.WaitAsync(token).WaitAsync(TimeSpan.FromSeconds(10), token);
            await Task.WhenAll(uses).WaitAsync(TimeSpan.FromSeconds(10), token);
            if (result.Outcome == Outcome.Exited)
            {
                Assert.Equal(code, result.ExitCode);
            }
            else
            {
                Assert.True(result.Outcome == Outcome.Canceled || (result.Outcome == Outcome.Signaled && code == -1), $"{result}");
            }
        });

        static async Task Attempt(Func<Task> use)
        {
            try
            {
                await use();
            }
            catch (Exception e) when (e is ContainerException or InvalidOperationException)
            {
                // It has ended, or there is no freezer here: said at once.
            }
        }
    }

    /// <summary>CVE-2022-23471: something was kept for every change.</summary>
    [Fact]
    [Trait("Category", "Rootless")]
    public async Task AHundredThousandSizes_KeepNothing()
    {
        await using var container = await Job.InBusybox("exec sleep 60").WithTerminal().StartAsync(Job.Token);
        container.ResizeTerminal(80, 24);
        var before = HostState.Take();
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 100_000; i++)
        {
            container.ResizeTerminal(80 + (i % 100), 24);
        }

        await HostState.AssertUnchangedAsync(before);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - memory, long.MinValue, 1 << 20);
    }

    /// <summary>CVE-2026-30892, CVE-2024-40635: users that wrap to another number, and who else is not a user.</summary>
    [Theory]
    [InlineData("0x0")]
    [InlineData("4294967295")]
    [InlineData("4294967296")]
    [InlineData("18446744073709551616")]
    [InlineData("-1")]
    [InlineData("+0")]
    [InlineData(" 0")]
    [InlineData("1:")]
    [InlineData(":0")]
    [InlineData("１")]
    [InlineData("nobody\0root")]
    [Trait("Category", "Rootless")]
    public async Task AUserThatIsNone_RunsNothing(string user)
    {
        await using var container = await Job.InBusybox("exec sleep 60").WithUser("0").StartAsync(Job.Token);
        var fault = await Record.ExceptionAsync(() => container.ExecAsync(["/bin/id"], new ExecOptions { User = user }, Job.Token));
        Assert.True(fault is ContainerException or ArgumentException, $"{fault}");
    }

    [Fact]
    public async Task ADirectoryOrRootThatIsGone_HoldsNobody()
    {
        var root = Directory.CreateTempSubdirectory("containers-gone-").FullName;
        try
        {
            Directory.CreateDirectory(root + "/bin");
            File.Copy(Job.BusyboxDirectory + "/bin/busybox", root + "/bin/busybox");
            var job = ContainerBuilder.FromDirectory(root).WithCommand("/bin/busybox", "sleep", "60").WithTimeout(TimeSpan.FromSeconds(60));
            await using var container = await job.StartAsync(Job.Token);
            Assert.True((await container.ExecAsync("/bin/busybox", "mkdir", "/srv")).IsSuccess);
            Assert.True((await container.ExecAsync(["/bin/busybox", "rmdir", "/srv"], new ExecOptions { WorkingDirectory = "/srv" }, Job.Token)).IsSuccess);
            var refused = await Assert.ThrowsAsync<ContainerException>(() => container.ExecAsync(["/bin/busybox", "pwd"], new ExecOptions { WorkingDirectory = "/srv" }, Job.Token));
            Assert.Equal("/srv", refused.Path);
            Assert.Equal("execute", (await Assert.ThrowsAsync<ContainerException>(() => container.ExecAsync("/srv/gone"))).Step);

            File.Delete(root + "/bin/busybox");
            Directory.Delete(root + "/bin");
            await Record.ExceptionAsync(() => container.ExecAsync("/bin/busybox", "true").WaitAsync(TimeSpan.FromSeconds(10), Job.Token));
            Assert.True(container.IsRunning);
            await container.KillAsync(cancellationToken: Job.Token).WaitAsync(TimeSpan.FromSeconds(5), Job.Token);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>What a command is given is not read by others of the container, nor left anywhere when it has ended; nor is what the engine was given.</summary>
    [Fact]
    [Trait("Category", "Rootless")]
    public async Task ProgramsOfTheEngine_AreInNobodysMemory()
    {
        var secret = "secret-" + Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
        var needle = Convert.ToHexString(Encoding.UTF8.GetBytes(secret));
        var directory = Directory.CreateTempSubdirectory(secret);
        try
        {
            var scanner = Attack.With("default").WithMount(Mount.Bind(directory.FullName, "/data")).WithCapability(Capability.SysPtrace)
                .WithSeccomp(SeccompProfile.Default.Allow("ptrace")).WithInit().WithCommand("/bin/sleep", "30");
            await using var container = await scanner.StartAsync(Job.Token);
            Assert.True((await container.ExecAsync(["/bin/true"], new ExecOptions { Environment = [new("SECRET", secret)] }, Job.Token)).IsSuccess);
            var found = await container.ExecAsync("/attack", "scan-memory", needle);
            Assert.Equal("looked at some\n", found.StandardOutput.Text);

            // It finds what is there.
            var running = container.ExecAsync(["/bin/sleep", "20"], new ExecOptions { Environment = [new("SECRET", secret)] }, Job.Token);
            var attempts = 50;
            do
            {
                found = await container.ExecAsync("/attack", "scan-memory", needle);
            }
            while (!found.StandardOutput.Text.Contains("found", StringComparison.Ordinal) && attempts-- > 0);
            Assert.Contains("found", found.StandardOutput.Text, StringComparison.Ordinal);
            await container.KillAsync(cancellationToken: Job.Token);
            await running;
        }
        finally
        {
            directory.Delete();
        }
    }
}
