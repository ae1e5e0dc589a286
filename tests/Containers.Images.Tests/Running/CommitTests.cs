using System.Formats.Tar;

namespace Containers.Tests.Running;

/// <summary>Images that are made here of containers, as other engines see them.</summary>
public sealed class CommitTests(SharedImages shared) : IAsyncLifetime
{
    private readonly ImageHost _host = new();
    private string _base = null!;

    public async ValueTask InitializeAsync()
    {
        _base = await shared.NewNameAsync();
        new OciLayout(shared.BaseLayout).Push(SharedImages.BaseTag, _base);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("running")]
    [InlineData("paused")]
    [InlineData("ended")]
    public async Task CommittedImage_IsWhatOthersRunAndUnpack(string state)
    {
        var name = await shared.NewNameAsync();
        await using (var container = await _host.StartAsync(ContainerBuilder.FromImage(_base), "echo hello > /greeting; chown ada /greeting; rm /etc/group; mkdir /tmp/sub; ln -s /greeting /link"))
        {
            if (state == "paused")
            {
                await container.PauseAsync(ImageHost.Token);
            }
            else if (state == "ended")
            {
                await container.KillAsync(cancellationToken: ImageHost.Token);
                await container.WaitAsync(ImageHost.Token);
            }

            var made = await container.CommitAsync(name, Options, ImageHost.Token);
            Assert.Equal((state == "paused", state != "ended"), (container.IsPaused, container.IsRunning));

            // The same content and options are the same image.
            Assert.Equal(made.Digest, (await container.CommitAsync("again:1", Options, ImageHost.Token)).Digest);
        }

        var pushed = await _host.Images.PushAsync(name, cancellationToken: ImageHost.Token);
        Assert.Equal(pushed, Tool.Run("skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", "docker://" + name).Trim());
        var config = Tool.Run("skopeo", "inspect", "--tls-verify=false", "--config", "docker://" + name);
        foreach (var part in (string[])["Ada Lovelace", "a greeting", "COLOR=blue", "\"kind\":\"test\"", "/data", "8080/tcp", "SIGUSR1"])
        {
            Assert.Contains(part, config.Replace(": ", ":", StringComparison.Ordinal), StringComparison.Ordinal);
        }

        const string Expected = "hello\nuid=1000(ada) gid=50 groups=50\nblue\nno group\n";
        Assert.Equal(Expected.Replace("gid=50 groups=50", "gid=1000 groups=1000", StringComparison.Ordinal), await _host.OutputOf(ContainerBuilder.FromImage(name)));
        var podman = new Podman(_host.Directory);
        podman.Run("pull", "--quiet", "--tls-verify=false", name);
        Assert.Equal(await _host.OutputOf(ContainerBuilder.FromImage(name)), podman.RunContainer(name));

        Tool.Run("skopeo", "copy", "--quiet", "--src-tls-verify=false", "docker://" + name, $"oci:{_host.Directory["committed"]}:1");
        var layout = new OciLayout(_host.Directory["committed"]);
        await TreeOfRoot.AssertSameAsUmociAsync(_host, layout, "1", name);
    }

    [Fact]
    public async Task NothingOfTheEngines_IsInTheLayer()
    {
        await using var container = await _host.StartAsync(
            ContainerBuilder.FromImage(_base).WithMount(Mount.Tmpfs("/mounted")), "echo mine > /etc/mine; echo no > /mounted/no; echo x >> /etc/hosts; touch /dev/shm/x");
        await container.CommitAsync("committed:1", new CommitOptions { Compression = ImageLayerCompression.None }, ImageHost.Token);
        await _host.Images.SaveAsync(["committed:1"], _host.Directory["layout"], ImageArchiveFormat.OciLayout, ImageHost.Token);
        var layer = (await _host.Images.InspectAsync("committed:1", cancellationToken: ImageHost.Token)).Layers[^1];
        using var stream = File.OpenRead(Path.Combine(_host.Directory["layout"], "blobs/sha256", layer["sha256:".Length..]));
        using var reader = new System.Formats.Tar.TarReader(stream);
        List<string> names = [];
        while (reader.GetNextEntry() is { } entry)
        {
            names.Add(entry.Name.Trim('/'));
        }

        Assert.Equal(["etc", "etc/mine"], names.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Diff_IsWhatDockerWouldPrint()
    {
        await using var container = await _host.StartAsync(
            ContainerBuilder.FromImage(_base), "echo new > /etc/new; echo x >> /etc/passwd; rm /etc/group; mkdir /srv /srv/sub; touch /srv/sub/file; rm -r /home/ada; mkdir /home/ada; touch /home/ada/x; chmod 700 /var");
        Assert.Equal(
            ["C /etc", "D /etc/group", "A /etc/new", "C /etc/passwd", "C /home", "C /home/ada", "A /home/ada/x", "A /srv", "A /srv/sub", "A /srv/sub/file", "C /var"],
            (await container.DiffAsync(ImageHost.Token)).Select(static change => change.ToString()));
    }

    [Fact]
    public async Task OwnUserNamespace_GivesOwnersAsInside()
    {
        await using (var container = await _host.StartAsync(
            ContainerBuilder.FromImage(_base).WithUserNamespace(UserNamespace.Private), "echo a > /of-root; echo b > /of-ada; chown 1000:50 /of-ada"))
        {
            await container.CommitAsync("committed:1", cancellationToken: ImageHost.Token);
        }

        Assert.Equal("0:0\n1000:50\n", await _host.OutputOf("committed:1", "stat -c %u:%g /of-root /of-ada"));
        await _host.Images.SaveAsync(["committed:1"], _host.Directory["saved"], ImageArchiveFormat.OciLayout, ImageHost.Token);
        Tool.Run("skopeo", "copy", "--quiet", $"oci:{_host.Directory["saved"]}", $"oci:{_host.Directory["copy"]}:1");
        var root = new OciLayout(_host.Directory["copy"]).Unpack("1", _host.Directory["bundle"]);
        Assert.Equal("0:0\n1000:50\n", Tool.Run("stat", "-c", "%u:%g", root + "/of-root", root + "/of-ada"));
    }

    [Fact]
    public async Task ExportedRoot_IsImported_AsOneLayer()
    {
        await using var stream = new MemoryStream();
        await using (var container = await _host.StartAsync(ContainerBuilder.FromImage(_base), "echo hello > /greeting; rm /etc/group; chown ada /greeting"))
        {
            await container.ExportAsync(stream, ImageHost.Token);
        }

        stream.Position = 0;
        var image = await _host.Images.ImportAsync(stream, "imported:1", new CommitOptions { Command = ["/bin/sh", "-c", "cat /greeting; stat -c '%U %a' /greeting /tmp; ls /etc/group"] }, ImageHost.Token);
        Assert.Single(image.Layers);
        var result = await _host.Engine.RunAsync(ContainerBuilder.FromImage("imported:1"), ImageHost.Token);
        Assert.Equal("hello\nada 644\nroot 1777\n", result.StandardOutput.Text);
        Assert.Equal(1, result.ExitCode);
    }

    private static CommitOptions Options => new()
    {
        Author = "Ada Lovelace",
        Message = "a greeting",
        Command = ["/bin/sh", "-c", "cat /greeting; id; echo $COLOR; test -e /etc/group || echo no group"],
        Environment = new Dictionary<string, string> { ["COLOR"] = "blue" },
        Labels = new Dictionary<string, string> { ["kind"] = "test" },
        User = "ada",
        Volumes = ["/data"],
        ExposedPorts = ["8080"],
        StopSignal = "SIGUSR1",
    };
}
