using System.Globalization;

namespace Containers.Tests.Running;

/// <summary>The host's processes, and the mounts of another container: what is shared, what still ends, what is refused.</summary>
[Trait("Category", "Vm")]
public sealed class SharedNamespaceTests
{
    [Fact]
    public async Task WithTheHostsProcesses_TheyAreSeen_AndTheContainersEndWithIt()
    {
        var host = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        var job = Job.Shell($"readlink /proc/self/ns/pid; test -d /proc/{host} && echo sees; cat /proc/self/cgroup > /dev/null; (setsid sleep 977 &) ; setsid sleep 977 & exit 3")
            .WithNamespace(NamespaceKind.Pid, NamespaceMode.Host);
        var result = await job.RunAsync(Job.Token);

        Assert.Equal(3, result.ExitCode);
        Assert.Equal($"{new FileInfo("/proc/self/ns/pid").LinkTarget}\nsees\n", result.StandardOutput.Text);
        Assert.Empty(HostState.ProcessesOf("sleep\0977\0"));
    }

    [Fact]
    public async Task WithTheHostsProcesses_OnlyTheContainersAreKilled()
    {
        var job = Job.Shell("trap '' TERM INT HUP; setsid sleep 978 & echo $$; wait").WithNamespace(NamespaceKind.Pid, NamespaceMode.Host);
        await using var bystander = await Job.Shell("sleep 979").WithNamespace(NamespaceKind.Pid, NamespaceMode.Host).StartAsync(Job.Token);
        var container = await job.StartAsync(Job.Token);
        var exec = await container.ExecAsync("/bin/sh", "-c", "readlink /proc/self/ns/pid; sleep 980 > /dev/null 2>&1 & sleep 0.2");
        Assert.Equal(new FileInfo("/proc/self/ns/pid").LinkTarget + "\n", exec.StandardOutput.Text);
        Assert.Single(HostState.ProcessesOf("sleep\0980\0"));
        await container.KillAsync(cancellationToken: Job.Token);

        Assert.Equal(Outcome.Canceled, (await container.WaitAsync(Job.Token)).Outcome);
        await container.DisposeAsync();
        Assert.Empty(HostState.ProcessesOf("sleep\0978\0"));
        Assert.Empty(HostState.ProcessesOf("sleep\0980\0"));
        Assert.True(bystander.IsRunning);
    }

    [Fact]
    public async Task WithTheHostsProcesses_AnInitAdoptsOrphansAndTellsTheStatus()
    {
        var job = Job.Shell("(sleep 0.1 & echo $! ) ; sleep 0.3; exit 7").WithInit().WithNamespace(NamespaceKind.Pid, NamespaceMode.Host);
        var result = await job.RunAsync(Job.Token);

        Assert.Equal(7, result.ExitCode);
        Assert.False(Directory.Exists("/proc/" + result.StandardOutput.Text.Trim()), "an orphan was not reaped");
    }

    [Fact]
    public async Task WithAnotherContainersProcesses_AnInitTellsTheStatusOfItsOwnJob()
    {
        await using var owner = await Job.Shell("sleep 30").StartAsync(Job.Token);
        var result = await Job.Shell("exit 9").WithInit().WithNamespace(NamespaceKind.Pid, owner).RunAsync(Job.Token);

        Assert.Equal(9, result.ExitCode);
        Assert.True(owner.IsRunning);
    }

    [Fact]
    public async Task WithTheHostsProcesses_NoProcessOutlivesTheHost()
    {
        var state = Directory.CreateTempSubdirectory("containers-state-").FullName;
        try
        {
            using var host = DyingHost.Start(DyingHost.Program, state, "outer");
            var marker = await host.ReadLineAsync();
            Assert.Equal(4, HostState.ProcessesOf($"sleep\0{marker}\0").Count);

            host.Kill();

            var since = System.Diagnostics.Stopwatch.GetTimestamp();
            while (HostState.ProcessesOf($"sleep\0{marker}\0").Count > 0)
            {
                Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(1), "a process outlived its host");
                await Task.Delay(10, Job.Token);
            }

            await using var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = state });
            Assert.True((await engine.RunAsync(Job.Shell("true"), Job.Token)).IsSuccess);
            Assert.Single(Directory.GetDirectories(state));
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public async Task WithTheHostsProcesses_AnOrdinaryUserNeedsAGroup()
    {
        var job = Job.Shell($"test -d /proc/{Environment.ProcessId} && echo sees; cat /proc/sys/kernel/ostype > /dev/null && echo x > /proc/sys/kernel/hostname 2> /dev/null || echo refused")
            .WithNamespace(NamespaceKind.Pid, NamespaceMode.Host);
        var report = await ContainerEngine.Default.ProbeAsync(Job.Token);
        if (report.Features.Single(static feature => feature.Name == "process limit").IsAvailable)
        {
            Assert.StartsWith("sees\nrefused\n", await Job.OutputOf(job), StringComparison.Ordinal);
        }
        else
        {
            Assert.Contains("told apart", (await Job.FailureOf(job)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task WithTheHostsProcesses_AUserNamespaceIsRefused()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "an ordinary user's containers are in their engine's");
        var job = Job.Shell("true").WithNamespace(NamespaceKind.Pid, NamespaceMode.Host);

        Assert.Contains("WithUserNamespace(UserNamespace.Host)", (await Job.FailureOf(job.WithUserNamespace(UserNamespace.Private))).Message, StringComparison.Ordinal);
        Assert.Contains("WithUserNamespace(UserNamespace.Host)", (await Job.FailureOf(job.WithSecurity(SecurityProfile.Untrusted))).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public async Task JoinedMounts_AreTheOtherContainersRoot()
    {
        await using var owner = await Job.InBusybox("echo mine > /tmp/file; echo 'grace:x:1007:1007::/:/bin/sh' >> /etc/passwd; sleep 30").StartAsync(Job.Token);
        while (!(await owner.ExecAsync("/bin/grep", "-q", "grace", "/etc/passwd")).IsSuccess)
        {
            await Task.Delay(10, Job.Token);
        }

        var job = Job.Shell("cat /tmp/file; echo theirs > /tmp/file; readlink /proc/self/ns/mnt; echo $$; grep ^Seccomp: /proc/self/status; uname -n")
            .WithHostname("guest").WithNamespace(NamespaceKind.Mount, owner).WithNamespace(NamespaceKind.Pid, owner);
        var lines = (await Job.OutputOf(job)).Split('\n');

        Assert.Equal("mine", lines[0]);
        Assert.Equal(lines[1], (await owner.ExecAsync("/bin/readlink", "/proc/self/ns/mnt")).StandardOutput.Text.TrimEnd());
        Assert.NotEqual("1", lines[2]);
        Assert.Equal("Seccomp:\t2", lines[3]);
        Assert.Equal("guest", lines[4]);
        Assert.Equal("theirs\n", (await owner.ExecAsync("/bin/cat", "/tmp/file")).StandardOutput.Text);
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public async Task JoinedMounts_WithProcessesOfItsOwn_AreLeftAsTheyWere()
    {
        await using var owner = await Job.InBusybox("sleep 30").StartAsync(Job.Token);
        var before = (await owner.ExecAsync("/bin/cat", "/proc/self/mountinfo")).StandardOutput.Text;
        await using (var guest = await Job.InBusybox("echo $$; read line; echo $line").WithNamespace(NamespaceKind.Mount, owner).WithTerminal(80, 25).WithSysctl("net.ipv4.ip_forward", "1").StartAsync(Job.Token))
        {
            Assert.Equal("/\n", (await guest.ExecAsync("/bin/pwd")).StandardOutput.Text);
            await guest.StandardInput.WriteAsync("done\n"u8.ToArray(), Job.Token);
            Assert.Equal(0, (await guest.WaitAsync(Job.Token)).ExitCode);
        }

        Assert.Equal(before, (await owner.ExecAsync("/bin/cat", "/proc/self/mountinfo")).StandardOutput.Text);
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public async Task JoinedMounts_OfALessProtectedContainer_AreRefused()
    {
        await using var owner = await Job.InBusybox("sleep 30").StartAsync(Job.Token);
        var failure = await Job.FailureOf(Job.InBusybox("true").WithSecurity(SecurityProfile.Untrusted).WithNamespace(NamespaceKind.Mount, owner));

        Assert.Contains("less protected", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public async Task WhatChangesMounts_IsRefusedWithThoseOfAnother()
    {
        await using var owner = await Job.InBusybox("sleep 30").StartAsync(Job.Token);
        var joined = Job.InBusybox("true").WithNamespace(NamespaceKind.Mount, owner);

        Assert.Contains("WithMount", Assert.Throws<ArgumentException>("mount", () => joined.WithMount(Mount.Tmpfs("/x", 1.MB))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("path", () => joined.WithFile("/x", "x"));
        Assert.Throws<ArgumentException>("size", () => joined.WithDisk(1.MB));
        Assert.Throws<ArgumentException>("hostPath", () => joined.WithDevice("/dev/null"));
        Assert.Throws<ArgumentException>(() => joined.WithReadOnlyRoot());
        Assert.Throws<ArgumentException>("container", () => Job.InBusybox("true").WithFile("/x", "x").WithNamespace(NamespaceKind.Mount, owner));
    }

    [Fact]
    [Trait("Category", "Rootless")]
    public async Task TheOomScore_OfAContainerThatJoinsProcesses_IsItsOwn()
    {
        await using var owner = await Job.Shell("sleep 30").StartAsync(Job.Token);
        var job = Job.Shell("cat /proc/self/oom_score_adj").WithOomScoreAdjustment(701).WithNamespace(NamespaceKind.Pid, owner);

        Assert.Equal("701\n", await Job.OutputOf(job));
        await using var container = await Job.Shell("sleep 30").WithOomScoreAdjustment(702).StartAsync(Job.Token);
        Assert.Equal("702\n", (await container.ExecAsync("/bin/cat", "/proc/self/oom_score_adj")).StandardOutput.Text);
        Assert.NotEqual("701\n", await File.ReadAllTextAsync($"/proc/{owner.ProcessId}/oom_score_adj", Job.Token));
    }
}
