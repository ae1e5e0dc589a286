using System.Diagnostics;
using System.Globalization;

namespace Containers.Tests.Running;

/// <summary>The weaker kind of container, for places where no namespace can be had.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
public sealed class WithoutNamespacesTests
{
    private static ContainerBuilder Confined(string script) => Job.Shell(script).WithoutNamespaces();

    [Fact]
    public async Task AJob_RunsWithADirectoryOfItsOwn_WhichGoesWithIt()
    {
        var lines = (await Job.OutputOf(Confined("pwd; test $HOME = $PWD && test $TMPDIR = $PWD && echo home; echo kept > file && cat file; mkdir -p a/b && mv file a/b/ && ls a/b; id -u"))).Split('\n');

        Assert.Equal(["home", "kept", "file"], lines[1..4]);
        Assert.Equal(File.ReadLines("/proc/self/status").First(static line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1], lines[4]);
        Assert.False(Directory.Exists(lines[0]));
    }

    [Fact]
    public async Task TheHost_IsOutOfReach()
    {
        var secret = Path.Combine(Path.GetTempPath(), "containers-secret-" + Guid.NewGuid().ToString("N"));
        await File.WriteAllTextAsync(secret, "secret", Job.Token);
        try
        {
            var host = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            var result = await Confined($"""
                for f in {secret} /etc/passwd /etc/shadow /proc/{host}/environ /proc/{host}/cmdline /proc/1/status /proc/mounts /root /home; do cat $f && echo read $f; done; for f in / /root /home /etc /tmp /proc /proc/{host} /proc/{host}/fd; do ls $f && echo listed $f; done
                for f in {secret} /proc/self/oom_score_adj /tmp/containers-new /usr/containers-new /dev/containers-new; do (echo x > $f) && echo wrote $f; done
                kill -0 {host} && echo signalled; kill -TERM $PPID && echo signalled init; renice -n 5 -p {host} && echo reniced; rm -f {secret} && echo removed
                cat /proc/self/root{secret} && echo through root; ln {secret} link && echo linked; mknod n c 1 3 && echo made
                true
                """).RunAsync(Job.Token);

            Assert.Equal(Outcome.Exited, result.Outcome);
            Assert.Equal(string.Empty, result.StandardOutput.Text);
            Assert.Equal("secret", await File.ReadAllTextAsync(secret, Job.Token));
        }
        finally
        {
            File.Delete(secret);
        }
    }

    [Fact]
    public async Task Walls_AreInForce()
    {
        var status = await Job.OutputOf(ContainerBuilder.FromHost().WithoutNamespaces().WithCommand("/bin/cat", "/proc/self/status"));

        Assert.Contains("NoNewPrivs:\t1\n", status, StringComparison.Ordinal);
        Assert.Contains("Seccomp:\t2\n", status, StringComparison.Ordinal);
        foreach (var set in (string[])["CapInh", "CapPrm", "CapEff", "CapAmb"])
        {
            Assert.Contains($"{set}:\t0000000000000000\n", status, StringComparison.Ordinal);
        }

        // The fourth is what ls reads the directory by.
        var descriptors = await Job.OutputOf(ContainerBuilder.FromHost().WithoutNamespaces().WithCommand("/bin/ls", "/proc/self/fd"));
        Assert.Equal("0\n1\n2\n3\n", descriptors);
    }

    [Fact]
    public async Task WhatAJobLeavesRunning_EndsWithIt()
    {
        var result = await Confined("(setsid sleep 981 &); setsid sleep 981 & exit 4").RunAsync(Job.Token);

        Assert.Equal(4, result.ExitCode);
        Assert.Empty(HostState.ProcessesOf("sleep\0981\0"));
    }

    [Fact]
    public async Task ATimeout_EndsEverything()
    {
        var watch = Stopwatch.StartNew();
        var result = await Confined("trap '' TERM INT HUP; (setsid sleep 982 &); setsid sleep 982 & wait").WithTimeout(TimeSpan.FromSeconds(0.3)).RunAsync(Job.Token);

        Assert.Equal(Outcome.TimedOut, result.Outcome);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.2, 3);
        Assert.Empty(HostState.ProcessesOf("sleep\0982\0"));
    }

    [Fact]
    public async Task AStartedContainer_IsStoppedAndKilled()
    {
        await using var asked = await Confined("trap 'echo asked; exit 5' TERM; echo ready; while :; do sleep 0.05; done").WithUlimit("nofile", 64, 64).StartAsync(Job.Token);
        await asked.StandardOutput.ReadAsync(Job.Token);
        Assert.Equal(5, (await asked.StopAsync(cancellationToken: Job.Token)).ExitCode);

        await using var killed = await Confined("sleep 983").StartAsync(Job.Token);
        await killed.KillAsync(cancellationToken: Job.Token);
        Assert.Equal(Outcome.Canceled, (await killed.WaitAsync(Job.Token)).Outcome);
        Assert.Empty(HostState.ProcessesOf("sleep\0983\0"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => killed.ExecAsync("true"));
    }

    [Fact]
    public async Task ADeniedCall_IsNamed()
    {
        var result = await Confined("mkdir x; echo survived").WithSeccomp(SeccompProfile.Default.Kill("mkdir", "mkdirat")).RunAsync(Job.Token);
        Assert.Equal("survived\n", result.StandardOutput.Text);
        var exec = await ContainerBuilder.FromHost().WithCommand("/bin/mkdir", "x").WithoutNamespaces().WithSeccomp(SeccompProfile.Default.Kill("mkdir", "mkdirat")).RunAsync(Job.Token);

        Assert.Equal(Outcome.SyscallDenied, exec.Outcome);
        Assert.StartsWith("mkdir", exec.DeniedSystemCall, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADirectoryShutAndDeepAndOfOddNames_IsTakenAwayAllTheSame()
    {
        var directory = (await Job.OutputOf(Confined("""
            pwd
            i=0; while [ $i -lt 300 ]; do mkdir d && cd d; i=$((i+1)); done; touch "$(printf 'x\377\ny')" lifted-1; ln -s / root
            cd $HOME; mkdir -p shut/inner/innermost; chmod 0 shut/inner/innermost shut/inner shut; chmod 0 .
            """))).Trim();

        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public async Task APathGivenToItself_IsReached_AndNoMoreThanAsked()
    {
        var directory = Directory.CreateTempSubdirectory("containers-shared-").FullName;
        try
        {
            await File.WriteAllTextAsync(directory + "/in", "given\n", Job.Token);
            Assert.Equal("given\nrefused\n", await Job.OutputOf(Confined($"cat {directory}/in; echo x 2> /dev/null > {directory}/out || echo refused").WithMount(Mount.Bind(directory, directory))));
            Assert.Equal("x\n", await Job.OutputOf(Confined($"echo x > {directory}/out; cat {directory}/out").WithMount(Mount.Bind(directory, directory, readOnly: false))));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task WhatNeedsANamespace_IsRefusedByName()
    {
        var job = Confined("true");
        foreach (var (builder, name) in ((ContainerBuilder, string)[])
        [
            (Job.InBusybox("true").WithoutNamespaces(), "FromHost"), (job.WithHostname("x"), "WithHostname"), (job.WithFile("/x", "x"), "WithFile"),
            (job.WithMount(Mount.Tmpfs("/x")), "WithMount"), (job.WithDisk(1.MB), "WithDisk"), (job.WithTerminal(80, 25), "WithTerminal"),
            (job.WithUser(1, 1), "WithUser"), (job.WithoutSeccomp(), "WithoutSeccomp"), (job.WithSecurity(SecurityProfile.Privileged), "WithoutSeccomp"),
            (job.WithNamespace(NamespaceKind.Network, NamespaceMode.Host), "WithNamespace"), (job.WithSysctl("net.ipv4.ip_forward", "1"), "WithSysctl"),
        ])
        {
            Assert.Contains(name, (await Job.FailureOf(builder)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ItIsNamedInTheExplanation()
    {
        Assert.StartsWith("isolation: without namespaces", Confined("true").Explain(), StringComparison.Ordinal);
        Assert.DoesNotContain("isolation:", Job.Shell("true").Explain(), StringComparison.Ordinal);
        Assert.True((await Confined("true").WithSecurity(SecurityProfile.Untrusted).RunAsync(Job.Token)).IsSuccess);
    }

    [Fact]
    public async Task InsideAContainerAsDockerMakesThem_TheProbeSaysWhy_AndThisKindRuns()
    {
        // Docker's capabilities, a filter as Docker's, which hides clone3, covered paths of /proc, no user namespace.
        var runtime = Path.GetDirectoryName(Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root ? root + "/" : Environment.ProcessPath)!;
        runtime = Directory.Exists(runtime + "/shared") ? runtime : Path.GetFullPath(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory() + "../../..");
        var outer = ContainerBuilder.FromHost(runtime, AppContext.BaseDirectory).WithUserNamespace(UserNamespace.Host)
            .WithCapability(Capability.MakeNode).WithCapability(Capability.NetRaw).WithCapability(Capability.AuditWrite)
            .WithEnvironment("DOTNET_ROOT", runtime).WithFile("/.dockerenv", "").WithFile("/etc/dyinghost", "secret")
            .WithCommand(DyingHost.Program, "/tmp/state", "probe").WithTimeout(TimeSpan.FromSeconds(60));
        var report = await Job.OutputOf(outer);

        Assert.Contains("a container (/.dockerenv), a filter of system calls", report, StringComparison.Ordinal);
        Assert.Contains("--security-opt seccomp=unconfined", report, StringComparison.Ordinal);
        Assert.Contains("clone the guardian: ENOSYS", report, StringComparison.Ordinal);
        Assert.EndsWith("Exited confined\n\n", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoProcessOutlivesTheHost_AndTheDirectoryIsSwept()
    {
        var state = Directory.CreateTempSubdirectory("containers-state-").FullName;
        try
        {
            using var host = DyingHost.Start(DyingHost.Program, state, "confined");
            var marker = await host.ReadLineAsync();
            Assert.Equal(4, HostState.ProcessesOf($"sleep\0{marker}\0").Count);

            host.Kill();

            var since = Stopwatch.GetTimestamp();
            while (HostState.ProcessesOf($"sleep\0{marker}\0").Count > 0)
            {
                Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(1), "a process outlived its host");
                await Task.Delay(10, Job.Token);
            }

            await using var engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = state });
            Assert.True((await engine.RunAsync(Confined("true"), Job.Token)).IsSuccess);
            Assert.Single(Directory.GetDirectories(state));
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }
}
