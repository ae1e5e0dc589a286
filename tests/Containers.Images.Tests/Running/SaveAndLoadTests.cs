namespace Containers.Tests.Running;

/// <summary>Images in files, between this store and other programs, and run on the other side.</summary>
public sealed class SaveAndLoadTests(SharedImages shared) : IAsyncLifetime
{
    private const string Name = "example.org/team/app:1";

    private readonly ImageHost _host = new();
    private readonly ImageHost _other = new();

    public async ValueTask InitializeAsync()
    {
        await _host.Images.LoadAsync(shared.BaseLayout, cancellationToken: ImageHost.Token);
        await using var container = await _host.StartAsync(ContainerBuilder.FromImage($"oci:{shared.BaseLayout}:{SharedImages.BaseTag}"), "echo hello > /greeting");
        await container.CommitAsync(Name, new CommitOptions { Command = ["/bin/cat", "/greeting"] }, ImageHost.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _other.DisposeAsync();
    }

    [Theory]
    [InlineData(ImageArchiveFormat.OciArchive, "oci-archive:{0}:" + Name)]
    [InlineData(ImageArchiveFormat.DockerArchive, "docker-archive:{0}:" + Name)]
    [InlineData(ImageArchiveFormat.OciLayout, "oci:{0}:" + Name)]
    public async Task Saved_IsReadAndRunByOthers_AndByAnotherStore(ImageArchiveFormat format, string source)
    {
        var path = _host.Directory["saved"];
        await _host.Images.SaveAsync([Name], path, format, ImageHost.Token);
        var reference = string.Format(System.Globalization.CultureInfo.InvariantCulture, source, path);
        Tool.Run("skopeo", "copy", "--quiet", reference, $"oci:{_host.Directory["copy"]}:1");
        var root = new OciLayout(_host.Directory["copy"]).Unpack("1", _host.Directory["bundle"]);
        Assert.Equal("hello\n", await File.ReadAllTextAsync(root + "/greeting", ImageHost.Token));

        if (format != ImageArchiveFormat.OciLayout)
        {
            var podman = new Podman(_host.Directory);
            podman.Run("load", "-q", "-i", path);
            Assert.Equal("hello\n", podman.RunContainer(Name));
        }

        Assert.Equal([Name], Assert.Single(await _other.Images.LoadAsync(path, useNames: true, ImageHost.Token)).ArchiveNames);
        Assert.Equal("hello\n", await _other.OutputOf(ContainerBuilder.FromImage(Name, PullPolicy.Never)));
    }

    [Theory]
    [InlineData("oci-archive:{0}:" + Name)]
    [InlineData("docker-archive:{0}:" + Name)]
    public async Task WhatSkopeoWrites_IsLoadedAndRun(string target)
    {
        await _host.Images.SaveAsync([Name], _host.Directory["layout"], ImageArchiveFormat.OciLayout, ImageHost.Token);
        var path = _host.Directory["archive.tar"];
        Tool.Run("skopeo", "copy", "--quiet", $"oci:{_host.Directory["layout"]}:{Name}", string.Format(System.Globalization.CultureInfo.InvariantCulture, target, path));
        await using var stream = File.OpenRead(path);
        Assert.Single(await _other.Images.LoadAsync(stream, useNames: true, ImageHost.Token));
        Assert.Equal("hello\n", await _other.OutputOf(ContainerBuilder.FromImage(Name, PullPolicy.Never)));
    }

    [Theory]
    [InlineData("oci-archive")]
    [InlineData("docker-archive")]
    public async Task WhatPodmanSaves_IsLoadedAndRun(string format)
    {
        await _host.Images.SaveAsync([Name], _host.Directory["ours.tar"], ImageArchiveFormat.OciArchive, ImageHost.Token);
        var podman = new Podman(_host.Directory);
        podman.Run("load", "-q", "-i", _host.Directory["ours.tar"]);
        podman.Run("save", "-q", "--format", format, "-o", _host.Directory["theirs.tar"], Name);
        Assert.Single(await _other.Images.LoadAsync(_host.Directory["theirs.tar"], useNames: true, ImageHost.Token));
        Assert.Equal("hello\n", await _other.OutputOf(ContainerBuilder.FromImage(Name, PullPolicy.Never)));
    }
}
