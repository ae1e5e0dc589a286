namespace Containers.Tests.Running;

/// <summary>A whole distribution with a server in it: made by mmdebstrap and umoci, through the registry, run here.</summary>
public sealed class DebianImageTests(SharedImages shared) : IAsyncDisposable
{
    private readonly ImageHost _host = new();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Debian_RunsItsProgramsAndItsServer()
    {
        SharedImages.RequireRoot();
        Assert.SkipUnless(Tool.IsThere("mmdebstrap"), "mmdebstrap is not installed");
        var name = await shared.DebianAsync();
        var job = ContainerBuilder.FromImage(name);
        Assert.StartsWith("apt ", await _host.OutputOf(job.WithCommand("apt-get", "--version")), StringComparison.Ordinal);
        Assert.Equal("42", await _host.OutputOf(job.WithCommand("perl", "-e", "print 42")));
        Assert.Equal("redis\n/var/lib/redis\n", await _host.OutputOf(job.WithCommand("sh", "-c", "id -un; pwd")));

        await using var redis = await _host.Engine.StartAsync(job, ImageHost.Token);
        await UntilAsync(redis, "PONG\n", "ping");
        Assert.Equal("OK\n", await AskAsync(redis, "set", "greeting", "hello"));
        Assert.Equal("hello\n", await AskAsync(redis, "get", "greeting"));
        Assert.Equal("OK\n", await AskAsync(redis, "save"));
        Assert.Equal("redis:redis\n", (await redis.ExecAsync("stat", "-c", "%U:%G", "/var/lib/redis/dump.rdb")).StandardOutput.Text);

        // Its data is in the volume, and no part of the root.
        Assert.DoesNotContain(await redis.DiffAsync(ImageHost.Token), static change => change.Path.StartsWith("/var/lib/redis/", StringComparison.Ordinal));
        var result = await redis.StopAsync(TimeSpan.FromSeconds(20), ImageHost.Token);
        Assert.Equal(0, result.ExitCode);
        Assert.Empty(await _host.Images.VerifyAsync(cancellationToken: ImageHost.Token));
    }

    private static async Task<string> AskAsync(Container redis, params string[] command) => (await redis.ExecAsync(["redis-cli", .. command])).StandardOutput.Text;

    /// <summary>The server says nowhere that it listens, other than by answering.</summary>
    private static async Task UntilAsync(Container redis, string answer, params string[] command)
    {
        for (var attempt = 0; attempt < 100 && redis.IsRunning; attempt++)
        {
            if (await AskAsync(redis, command) == answer)
            {
                return;
            }

            await Task.Delay(50, ImageHost.Token);
        }

        Assert.Fail("redis does not answer.");
    }
}
