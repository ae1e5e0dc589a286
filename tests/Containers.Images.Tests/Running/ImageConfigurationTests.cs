using System.Text;
using Containers.Oci;

namespace Containers.Tests.Running;

/// <summary>What an image that umoci made and skopeo pushed says of its containers, and what the builder says over it.</summary>
public sealed class ImageConfigurationTests(SharedImages shared) : IAsyncLifetime
{
    private readonly ImageHost _host = new();
    private OciLayout _layout = null!;

    public ValueTask InitializeAsync()
    {
        _layout = OciLayout.Copy(shared.BaseLayout, _host.Directory["layout"]);
        return default;
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task EntrypointCommandEnvironmentUserAndDirectory_AreTheImages()
    {
        var name = await PushAsync(
            "--config.entrypoint", "/bin/sh", "--config.entrypoint=-c", "--config.entrypoint", "echo $0 $1; echo $COLOR; id; pwd", "--config.cmd", "one", "--config.cmd", "two",
            "--config.env", "COLOR=blue", "--config.user", "ada:staff", "--config.workingdir", "/home/ada");
        var pulled = await _host.Images.PullAsync(name, cancellationToken: ImageHost.Token);

        Assert.Equal(Tool.Run("skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", "docker://" + name).Trim(), pulled.Digest);
        Assert.Equal(["/bin/sh", "-c", "echo $0 $1; echo $COLOR; id; pwd"], pulled.Entrypoint);
        Assert.Equal("one two\nblue\nuid=1000(ada) gid=50(staff) groups=50(staff)\n/home/ada\n", await _host.OutputOf(ContainerBuilder.FromImage(name)));
    }

    [Fact]
    public async Task Builder_Overrides_AsDockerRunDoes()
    {
        var name = await PushAsync(
            "--config.entrypoint", "/bin/echo", "--config.entrypoint", "entry", "--config.cmd", "cmd", "--config.env", "COLOR=blue", "--config.env", "SHAPE=round",
            "--config.user", "ada", "--config.workingdir", "/home/ada");
        var job = ContainerBuilder.FromImage(name);

        Assert.Equal("entry cmd\n", await _host.OutputOf(job));
        Assert.Equal("entry mine\n", await _host.OutputOf(job.WithCommand("mine")));

        // Whoever replaces the entrypoint gets none of the image's arguments for it.
        Assert.Equal("\n", await _host.OutputOf(job.WithEntrypoint("/bin/echo")));
        Assert.Equal("mine\n", await _host.OutputOf(job.WithEntrypoint("/bin/echo").WithCommand("mine")));
        Assert.Equal(
            "red round square\nuid=0(root) gid=0(root) groups=0(root)\n/tmp\n",
            await _host.OutputOf(job.WithEntrypoint("/bin/sh", "-c", "echo $COLOR $SHAPE $FORM; id; pwd").WithEnvironment("COLOR", "red").WithEnvironment("FORM", "square")
                .WithUser("root").WithWorkingDirectory("/tmp")));
    }

    [Fact]
    public async Task LabelsAndStopSignal_AreTheImages_AndAddedTo()
    {
        var name = await PushAsync(
            "--config.label", "a=image", "--config.label", "b=image", "--config.stopsignal", "SIGUSR1", "--config.cmd=-c", "--config.cmd=x");
        await using var container = await _host.StartAsync(ContainerBuilder.FromImage(name).WithLabel("b", "mine").WithLabel("c", "mine"), "true");
        Assert.Equal([("a", "image"), ("b", "mine"), ("c", "mine")], container.Labels.Where(static label => label.Key.Length == 1).OrderBy(static label => label.Key, StringComparer.Ordinal).Select(static label => (label.Key, label.Value)));

        await using var asked = await _host.Engine.StartAsync(
            ContainerBuilder.FromImage(name).WithEntrypoint("/bin/sh", "-c", "trap 'echo usr1; exit 0' USR1; echo ready; while :; do sleep 0.1; done"), ImageHost.Token);
        await ReadUntilReadyAsync(asked);
        var result = await asked.StopAsync(TimeSpan.FromSeconds(20), ImageHost.Token);
        Assert.Equal((0, "usr1\n"), (result.ExitCode, await RestAsync(asked)));
    }

    [Theory]
    [InlineData("CMD", "cat", "/data/state")]
    [InlineData("CMD-SHELL", "cat /data/state")]
    public async Task HealthCheck_IsTheImages_UnlessTheBuilderHasItsOwn(params string[] test)
    {
        const long Millisecond = 1_000_000;
        SharedImages.RequireRoot();
        var layout = HandmadeLayout.Write(
            _host.Directory["checked"],
            new ContainerConfiguration { Cmd = ["/bin/sleep", "60"], Healthcheck = new HealthCheckConfiguration { Test = [.. test], Interval = 20 * Millisecond, Retries = 2 } },
            HandmadeLayout.Layer(HandmadeLayout.Text("data/state", "fine")));
        var job = ContainerBuilder.FromImage($"oci:{layout.Path}:1");
        await using var container = await _host.Engine.StartAsync(job, ImageHost.Token);
        await container.WaitForHealthyAsync(ImageHost.Token).WaitAsync(TimeSpan.FromSeconds(20), ImageHost.Token);
        Assert.Equal("fine", container.LastHealthCheck!.Output);
        var stored = Assert.Single(await _host.Images.ListAsync(ImageHost.Token));
        var shown = (await _host.Images.InspectAsync(stored.Digest, cancellationToken: ImageHost.Token)).HealthCheck!;
        Assert.Equal((20.0, 30.0, 2), (shown.Interval.TotalMilliseconds, shown.Timeout.TotalSeconds, shown.Retries));

        await using var ill = await _host.Engine.StartAsync(job.WithHealthCheck(new HealthCheck("false") { Interval = TimeSpan.FromMilliseconds(20), Retries = 1 }), ImageHost.Token);
        await Assert.ThrowsAsync<ContainerException>(() => ill.WaitForHealthyAsync(ImageHost.Token).WaitAsync(TimeSpan.FromSeconds(20), ImageHost.Token));
        await using var off = await _host.Engine.StartAsync(job.WithoutHealthCheck(), ImageHost.Token);
        Assert.Equal(HealthStatus.None, off.Health);
    }

    [Fact]
    public async Task User_IsFoundInALowerLayer_AndBehindALink()
    {
        _layout.AddLayer(SharedImages.BaseTag, static root =>
        {
            Directory.CreateDirectory(root + "/usr/share");
            File.WriteAllText(root + "/usr/share/accounts", "root:x:0:0::/root:/bin/sh\ngrace:x:1234:50::/:/bin/sh\n");
            File.Delete(root + "/etc/passwd");

            // Absolute, as the container sees it: followed on the host it would be another file, or none.
            File.CreateSymbolicLink(root + "/etc/passwd", "/usr/share/accounts");
        });
        _layout.AddLayer(SharedImages.BaseTag, static root => File.WriteAllText(root + "/etc/other", "above"));
        var name = await PushAsync("--config.user", "grace", "--clear", "config.cmd", "--config.cmd", "id");
        Assert.Equal("uid=1234(grace) gid=50(staff) groups=50(staff)\n", await _host.OutputOf(ContainerBuilder.FromImage(name)));

        var failure = await Assert.ThrowsAnyAsync<ContainerException>(() => _host.Engine.RunAsync(ContainerBuilder.FromImage(name).WithUser("ada"), ImageHost.Token));
        Assert.Contains("ada", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WorkingDirectory_ThatTheImageLacks_IsMade()
    {
        var name = await PushAsync("--config.workingdir", "/srv/deep/er", "--clear", "config.cmd", "--config.cmd", "pwd");
        Assert.Equal("/srv/deep/er\n", await _host.OutputOf(ContainerBuilder.FromImage(name)));
        Assert.Equal("755 0\n", await _host.OutputOf(ContainerBuilder.FromImage(name).WithCommand("stat", "-c", "%a %u", "/srv/deep/er")));
    }

    [Fact]
    public async Task Volume_IsWritable_WithAReadOnlyRoot_AndNoPartOfACommit()
    {
        _layout.AddLayer(SharedImages.BaseTag, static root =>
        {
            Directory.CreateDirectory(root + "/data");
            File.WriteAllText(root + "/data/seed", "from the image");
        });
        var name = await PushAsync("--config.volume", "/data", "--config.volume", "/not/there");
        var job = ContainerBuilder.FromImage(name);

        await using (var container = await _host.StartAsync(job.WithReadOnlyRoot(), "echo v > /data/written; echo w > /not/there/written"))
        {
            var seen = await container.ExecAsync("/bin/sh", "-c", "cat /data/seed /data/written /not/there/written; touch /root-file 2>/dev/null || echo read-only");
            Assert.Equal("from the imagev\nw\nread-only\n", seen.StandardOutput.Text);
        }

        await using (var container = await _host.StartAsync(job, "echo v > /data/written; echo r > /written"))
        {
            await container.CommitAsync("committed:1", cancellationToken: ImageHost.Token);
        }

        Assert.Equal("seed\nr\n", await _host.OutputOf("committed:1", "ls /data; cat /written"));
    }

    private async Task<string> PushAsync(params string[] options)
    {
        var name = await shared.NewNameAsync();
        _layout.Configure(SharedImages.BaseTag, ["--clear", "config.cmd", .. options]);
        _layout.Push(SharedImages.BaseTag, name);
        return name;
    }

    private static async Task ReadUntilReadyAsync(Container container)
    {
        var read = await container.StandardOutput.ReadAtLeastAsync("ready\n".Length, ImageHost.Token);
        Assert.Equal("ready\n", Encoding.UTF8.GetString(read.Buffer));
        container.StandardOutput.AdvanceTo(read.Buffer.End);
    }

    private static async Task<string> RestAsync(Container container)
    {
        using var reader = new StreamReader(container.StandardOutput.AsStream());
        return await reader.ReadToEndAsync(ImageHost.Token);
    }
}
