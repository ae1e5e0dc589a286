using System.Text;

namespace Containers.Tests.Running;

/// <summary>Commands in a container that runs.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
[Collection(WholeHost.Name)]
public sealed class ExecTests
{
    [Fact]
    public async Task ACommand_RunsInTheContainersNamespaces()
    {
        await using var container = await Job.Shell("echo here > /tmp/file; echo up; exec sleep 30").WithHostname("box").StartAsync(Job.Token);
        await StreamingTests.ReadLineAsync(container.StandardOutput);
        var result = await container.ExecAsync("sh", "-c", "cat /tmp/file; hostname 2> /dev/null || uname -n; cat /proc/1/comm; exit 4");

        Assert.Equal("here\nbox\nsleep\n", result.StandardOutput.Text);
        Assert.Equal((Outcome.Exited, 4), (result.Outcome, result.ExitCode));
        foreach (var name in (string[])["mnt", "uts", "ipc", "net", "pid", "cgroup", "time"])
        {
            var both = await container.ExecAsync("sh", "-c", $"(readlink /proc/1/ns/{name}; readlink /proc/self/ns/{name}) | sort -u | wc -l");
            Assert.Equal("1\n", both.StandardOutput.Text);
        }
    }

    [Fact]
    public async Task ItsPrivileges_AreNoMoreThanTheMainProcesss()
    {
        await using var container = await Job.Shell("exec sleep 30").StartAsync(Job.Token);
        const string Fields = "grep -E '^(Cap|NoNewPrivs|Seccomp|Sig(Blk|Ign)|Umask|Groups)'";
        var same = await container.ExecAsync("sh", "-c", $"{Fields} /proc/1/status > /tmp/a; {Fields} /proc/self/status > /tmp/b; cmp /tmp/a /tmp/b");

        Assert.True(same.IsSuccess, same.StandardOutput.Text + same.StandardError.Text);
        Assert.Equal("0 1 2 3\n", (await container.ExecAsync("sh", "-c", "ls /proc/self/fd | xargs")).StandardOutput.Text);
    }

    [Fact]
    public async Task Options_AreTheCommandsOwn()
    {
        await using var container = await Job.Shell("exec sleep 30").WithEnvironment("A", "1").StartAsync(Job.Token);
        using var input = new MemoryStream(Encoding.UTF8.GetBytes("input"));
        var options = new ExecOptions { WorkingDirectory = "/tmp", Environment = [new("B", "2")], StandardInput = input };
        var result = await container.ExecAsync(["sh", "-c", "pwd; echo $A$B; cat"], options, Job.Token);

        Assert.Equal("/tmp\n12\ninput", result.StandardOutput.Text);
    }

    [Fact]
    public async Task Limits_AreEnforced()
    {
        await using var container = await Job.Shell("exec sleep 30").StartAsync(Job.Token);

        Assert.Equal(Outcome.TimedOut, (await container.ExecAsync(["sleep", "60"], new ExecOptions { Timeout = TimeSpan.FromMilliseconds(200) }, Job.Token)).Outcome);
        Assert.Equal(Outcome.OutputLimitExceeded, (await container.ExecAsync(
            ["yes"], new ExecOptions { OutputLimit = 4.KB, OutputOverflow = OutputOverflow.Kill }, Job.Token)).Outcome);
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        Assert.Equal(Outcome.Canceled, (await container.ExecAsync(["sleep", "60"], null, source.Token)).Outcome);
        Assert.True(container.IsRunning);
    }

    [Fact]
    public async Task ATerminal_IsOfTheContainersOwnInstance()
    {
        await using var container = await Job.Shell("exec sleep 30").StartAsync(Job.Token);
        var result = await container.ExecAsync(["sh", "-c", "tty; stty size"], new ExecOptions { Terminal = new TerminalSize(90, 30) }, Job.Token);

        Assert.Equal("/dev/pts/0\r\n30 90\r\n", result.StandardOutput.Text);
    }

    [Fact]
    public async Task ACommandThatIsNotFound_Throws()
    {
        await using var container = await Job.Shell("exec sleep 30").StartAsync(Job.Token);

        Assert.Equal("execute", (await Assert.ThrowsAsync<ContainerException>(() => container.ExecAsync("no-such-command"))).Step);
        await Assert.ThrowsAsync<ArgumentException>(() => container.ExecAsync());
        Assert.True(container.IsRunning);
    }

    [Fact]
    public async Task ManyAtOnce_LeaveNothing()
    {
        await using var container = await Job.Shell("exec sleep 30").StartAsync(Job.Token);
        await container.ExecAsync("true");
        var before = HostState.Take();
        var results = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => container.ExecAsync("sh", "-c", $"echo {i}")));

        Assert.Equal(Enumerable.Range(0, 40).Select(static i => $"{i}\n"), results.Select(static result => result.StandardOutput.Text));
        await HostState.AssertUnchangedAsync(before);
    }
}
