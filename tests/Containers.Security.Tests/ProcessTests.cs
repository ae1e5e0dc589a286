namespace Containers.Security.Tests;

/// <summary>Processes on their way into a container, and what they were before.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
public sealed class ProcessTests
{
    /// <summary>CVE-2016-9962: whoever joins a container has the host's rights for a moment, and the container's root looks for that moment.</summary>
    [Fact]
    public async Task NoProcessThatJoins_CanBeCaught()
    {
        // Long enough for a hundred commands also where a machine is emulated.
        var job = Attack.With("default", "spy", "10").WithCapability(Capability.SysPtrace).WithSeccomp(SeccompProfile.Default.Allow("ptrace"));
        await using var container = await job.StartAsync(Job.Token);
        var executed = 0;
        await Task.WhenAll(Enumerable.Range(0, 3).Select(async _ =>
        {
            while (container.IsRunning)
            {
                try
                {
                    await container.ExecAsync("/bin/true");
                    Interlocked.Increment(ref executed);
                }
                catch (Exception e) when (e is ContainerException or InvalidOperationException)
                {
                    // Only its end is a reason.
                    await container.WaitAsync(Job.Token);
                }
            }
        }));

        var result = await container.WaitAsync(Job.Token);
        var text = await ReadAsync(container);
        Assert.True(executed > 50, $"{executed} commands: {result}");
        Assert.Equal("looked at some\n", text);
    }

    /// <summary>Nothing that this process has open reaches a job, whatever became of its close-on-exec flags.</summary>
    [Fact]
    public async Task DescriptorsThatTheHostLeaks_ReachNoJob()
    {
        var leaked = new List<FileStream>();
        try
        {
            for (var i = 0; i < 200; i++)
            {
                var stream = File.OpenRead("/proc/self/status");
                leaked.Add(stream);
                Assert.Equal(0, Fcntl(stream.SafeFileHandle, 2, 0)); // F_SETFD, no FD_CLOEXEC
            }

            await using var engine = new ContainerEngine();
            Assert.Equal("0 1 2 3\n", await Text(engine, Job.InBusybox("ls /proc/self/fd | xargs")));
            Assert.Equal("0 1 2 3\n", await Text(engine, Job.InBusybox("ls /proc/self/fd | xargs").WithInit()));
            Assert.Equal("", await Text(engine, Job.InBusybox("readlink /proc/1/exe /proc/1/fd/0; cat /proc/1/maps /proc/1/environ 2> /dev/null").WithInit()));
            await using var container = await engine.StartAsync(Job.InBusybox("sleep 60"), Job.Token);
            Assert.Equal("0 1 2 3\n", (await container.ExecAsync("/bin/sh", "-c", "ls /proc/self/fd | xargs")).StandardOutput.Text);
        }
        finally
        {
            leaked.ForEach(static stream => stream.Dispose());
        }
    }

    /// <summary>CVE-2024-21626, CVE-2019-5736: descriptors and programs of the engine by their numbers.</summary>
    [Fact]
    public async Task NoNumberOfADescriptor_LeadsOut()
    {
        using var canary = new Attack.Canary();
        for (var number = 0; number < 24; number++)
        {
            var path = $"/proc/self/fd/{number}";
            var inside = await RunOrNull(Job.InBusybox($"pwd; ls -d ..{canary.Directory} ../..{canary.Directory} ../../..{canary.Directory} 2> /dev/null; :").WithWorkingDirectory(path));
            Assert.DoesNotContain(canary.Directory, inside?.StandardOutput.Text.Split('\n').Skip(1) ?? [], StringComparer.Ordinal);
            Assert.NotEqual(0, (await RunOrNull(Job.InBusybox("true").WithEntrypoint(path)))?.ExitCode ?? -1);
            Assert.NotEqual(0, (await RunOrNull(Job.InBusybox("true").WithFile("/run.sh", $"#!{path}\n", (UnixFileMode)0x1ED).WithEntrypoint("/run.sh")))?.ExitCode ?? -1);
        }

        Assert.NotEqual(0, (await RunOrNull(Job.InBusybox("true").WithFile("/run.sh", "#!/proc/self/exe\n", (UnixFileMode)0x1ED).WithEntrypoint("/run.sh")))?.ExitCode ?? -1);
        Assert.NotEqual(0, (await RunOrNull(Job.InBusybox("true").WithEntrypoint("/proc/1/exe")))?.ExitCode ?? -1);
        Assert.True((await Job.InBusybox("true").RunAsync(Job.Token)).IsSuccess);
    }

    [Fact]
    public async Task TheHostsVariables_AreNowhereInside()
    {
        Environment.SetEnvironmentVariable("CONTAINERS_TEST_SECRET", "0f1e2d3c4b5a");
        Assert.Equal("0\n", await Job.OutputOf(Job.InBusybox("cat /proc/*/environ /proc/*/cmdline 2> /dev/null | grep -c 0f1e2d[3]c4b5a || :").WithInit()));
    }

    [Fact]
    public async Task AbstractSocketsOfTheHost_AreNotThere()
    {
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint("\0containers-test-" + Environment.ProcessId));
        Assert.Equal("0\n", await Job.OutputOf(Job.InBusybox("grep -c containers-test /proc/net/unix || :")));
    }

    private static async Task<string> Text(ContainerEngine engine, ContainerBuilder job) => (await engine.RunAsync(job, Job.Token)).StandardOutput.Text;

    private static async Task<ContainerResult?> RunOrNull(ContainerBuilder job)
    {
        try
        {
            return await job.RunAsync(Job.Token);
        }
        catch (ContainerException)
        {
            return null;
        }
    }

    private static async Task<string> ReadAsync(Container container)
    {
        await using var stream = container.StandardOutput.AsStream();
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(Job.Token);
    }

    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "fcntl")]
    private static extern int Fcntl(Microsoft.Win32.SafeHandles.SafeFileHandle fd, int command, nint argument);
}
