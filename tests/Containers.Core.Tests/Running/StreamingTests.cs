using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Containers.Tests.Running;

/// <summary>Containers that run while their host talks to them.</summary>
[Trait("Category", "Vm")]
[Trait("Category", "Rootless")]
public sealed class StreamingTests
{
    [Fact]
    public async Task Streams_CarryEveryByteBothWays()
    {
        await using var container = await ContainerBuilder.FromHost().WithCommand("cat").StartAsync(Job.Token);
        var sent = Enumerable.Range(0, 1 << 20).Select(static i => (byte)(i * 7)).ToArray();

        var writing = WriteAllAsync(container.StandardInput, sent);
        var received = await ReadToEndAsync(container.StandardOutput);
        await writing;
        var result = await container.WaitAsync(Job.Token);

        Assert.Equal(sent, received);
        Assert.Equal(Outcome.Exited, result.Outcome);
        Assert.Equal(sent.Length, result.StandardOutput.TotalBytes);
    }

    [Fact]
    public async Task GivenInput_IsReadToItsEnd()
    {
        Assert.Equal("héllo\0x", await Job.OutputOf(ContainerBuilder.FromHost().WithCommand("cat").WithStandardInput("héllo\0x")));
        using var stream = new MemoryStream(new byte[3 << 20]);
        Assert.Equal("3145728\n", await Job.OutputOf(ContainerBuilder.FromHost().WithCommand("wc", "-c").WithStandardInput(stream)));
        Assert.Equal("0\n", await Job.OutputOf(ContainerBuilder.FromHost().WithCommand("wc", "-c")));
    }

    [Fact]
    public async Task AJobThatNeverReads_DoesNotHoldTheHost()
    {
        using var stream = new MemoryStream(new byte[8 << 20]);
        var result = await Job.Shell("sleep 0.2").WithStandardInput(stream).RunAsync(Job.Token);

        Assert.Equal(Outcome.Exited, result.Outcome);
    }

    [Fact]
    public async Task AChildThatHoldsTheOutputOpen_DoesNotHoldTheResult()
    {
        var result = await Job.Shell("sleep 20 & echo done").RunAsync(Job.Token);

        Assert.Equal("done\n", result.StandardOutput.Text);
        Assert.True(result.Usage.WallTime < TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Stop_AsksFirst()
    {
        await using var container = await Job.Shell("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done").StartAsync(Job.Token);
        await ReadLineAsync(container.StandardOutput);
        var result = await container.StopAsync(TimeSpan.FromSeconds(10), Job.Token);

        Assert.Equal(Outcome.Canceled, result.Outcome);
        Assert.Equal(7, result.ExitCode);
        Assert.EndsWith("bye\n", result.StandardOutput.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_KillsWhatDoesNotListen()
    {
        await using var container = await Job.Shell("trap '' TERM; echo up; sleep 60").StartAsync(Job.Token);
        await ReadLineAsync(container.StandardOutput);
        var result = await container.StopAsync(TimeSpan.FromMilliseconds(200), Job.Token);

        Assert.Equal(Outcome.Canceled, result.Outcome);
        Assert.Equal(Signal.Kill, result.Signal);
    }

    [Fact]
    public async Task Kill_SendsAnySignal()
    {
        await using var container = await Job.Shell("trap 'exit 9' USR1; echo up; while :; do sleep 0.05; done").WithInit().StartAsync(Job.Token);
        await ReadLineAsync(container.StandardOutput);
        await container.KillAsync(Signal.User1, Job.Token);
        var result = await container.WaitAsync(Job.Token);

        Assert.Equal((Outcome.Exited, 9), (result.Outcome, result.ExitCode));
    }

    [Fact]
    public async Task Dispose_EndsTheContainer()
    {
        var container = await Job.Shell("sleep 60").StartAsync(Job.Token);
        var pid = container.ProcessId;
        Assert.True(Directory.Exists($"/proc/{pid}"));
        Assert.True(container.IsRunning);

        await container.DisposeAsync();

        Assert.False(Directory.Exists($"/proc/{pid}"));
        Assert.False(container.IsRunning);
        Assert.Null(container.ProcessId);
        Assert.Equal(Outcome.Canceled, (await container.WaitAsync(Job.Token)).Outcome);
    }

    [Fact]
    public async Task ATerminal_IsOneWithASizeThatChanges()
    {
        await using var container = await Job.Shell("test -t 0 && test -t 1 && test -t 2 && stty size; read x; stty size; cat").WithTerminal(100, 40).StartAsync(Job.Token);
        Assert.Equal("40 100", await ReadLineAsync(container.StandardOutput));
        container.ResizeTerminal(120, 50);
        await WriteAsync(container.StandardInput, "go\n");
        Assert.Equal("go", await ReadLineAsync(container.StandardOutput));
        Assert.Equal("50 120", await ReadLineAsync(container.StandardOutput));
        await container.StandardInput.CompleteAsync();
        Assert.Equal(0, (await container.WaitAsync(Job.Token)).ExitCode);
    }

    [Fact]
    public async Task ATerminalsConsole_IsThere() => Assert.Equal(
        "/dev/pts/0\r\nconsole\r\n", await Job.OutputOf(Job.Shell("tty; test -c /dev/console && echo console").WithTerminal()));

    [Fact]
    public async Task WhatIsNotPossible_IsSaid()
    {
        await using var created = ContainerEngine.Default.Create(Job.Shell("true"));
        Assert.Throws<InvalidOperationException>(() => created.StandardOutput);
        await Assert.ThrowsAsync<InvalidOperationException>(() => created.WaitAsync(Job.Token));
        await created.StartAsync(Job.Token);
        await Assert.ThrowsAsync<InvalidOperationException>(() => created.StartAsync(Job.Token));
        Assert.Throws<InvalidOperationException>(() => created.ResizeTerminal(80, 24));
        await created.WaitAsync(Job.Token);
        await Assert.ThrowsAsync<InvalidOperationException>(() => created.ExecAsync("true"));
    }

    internal static async Task<string> ReadLineAsync(PipeReader reader)
    {
        while (true)
        {
            var read = await reader.ReadAsync(Job.Token);
            if (read.Buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = Encoding.UTF8.GetString(read.Buffer.Slice(0, end)).TrimEnd('\r');
                reader.AdvanceTo(read.Buffer.GetPosition(1, end));
                return line;
            }

            Assert.False(read.IsCompleted, "The output ended before a line did.");
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static async Task WriteAsync(PipeWriter writer, string text) => await writer.WriteAsync(Encoding.UTF8.GetBytes(text), Job.Token);

    private static async Task WriteAllAsync(PipeWriter writer, byte[] bytes)
    {
        await writer.WriteAsync(bytes, Job.Token);
        await writer.CompleteAsync();
    }

    private static async Task<byte[]> ReadToEndAsync(PipeReader reader)
    {
        using var bytes = new MemoryStream();
        await reader.CopyToAsync(bytes, Job.Token);
        return bytes.ToArray();
    }
}
