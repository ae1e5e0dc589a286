using Containers.Oci;

namespace Containers.Tests.Running;

/// <summary>The kinds of images that registries have: Docker's documents, other compressions, many platforms.</summary>
public sealed class ImageKindTests(SharedImages shared) : IAsyncDisposable
{
    private readonly ImageHost _host = new();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("--format", "v2s2")]
    [InlineData("--dest-compress-format", "zstd")]
    [InlineData("--dest-compress-format", "gzip")]
    public async Task Image_IsPulledAndRun(string option, string value)
    {
        var layout = OciLayout.Copy(shared.BaseLayout, _host.Directory["layout"]);
        layout.AddLayer(SharedImages.BaseTag, root =>
        {
            File.WriteAllText(root + "/etc/kind", "seen");

            // A layer that the registry has already, compressed in any way, is not sent again.
            File.WriteAllText(root + "/etc/of-its-own", value);
        });
        layout.Configure(SharedImages.BaseTag, "--clear", "config.cmd", "--config.cmd", "cat", "--config.cmd", "/etc/kind");
        var name = await shared.NewNameAsync();

        // A layer is compressed otherwise only where it comes uncompressed; a folder keeps it as it is.
        Tool.Run("skopeo", "copy", "--quiet", "--dest-decompress", $"oci:{layout.Path}:{SharedImages.BaseTag}", "dir:" + _host.Directory["plain"]);
        Tool.Run("skopeo", "copy", "--quiet", "--dest-tls-verify=false", option, value, "dir:" + _host.Directory["plain"], "docker://" + name);
        var raw = Tool.Run("skopeo", "inspect", "--tls-verify=false", "--raw", "docker://" + name);
        Assert.Contains(value == "v2s2" ? MediaTypes.DockerManifest : "+" + value, raw, StringComparison.Ordinal);

        Assert.Equal("seen", await _host.OutputOf(ContainerBuilder.FromImage(name)));
        Assert.Equal(Digest.Of(System.Text.Encoding.UTF8.GetBytes(raw)).ToString(), (await _host.Images.InspectAsync(name, cancellationToken: ImageHost.Token)).Digest);
        Assert.Empty(await _host.Images.VerifyAsync(cancellationToken: ImageHost.Token));
    }

    [Fact]
    public async Task OfManyPlatforms_OursIsRun_AndAnotherCanBePulled()
    {
        SharedImages.RequireRoot();
        var path = _host.Directory["layout"];
        Descriptor Of(ImagePlatform platform) => HandmadeLayout.Add(
            path, [HandmadeLayout.BusyboxLayer, HandmadeLayout.Layer(HandmadeLayout.Text("platform", platform + "\n"))], new ContainerConfiguration { Cmd = ["/bin/cat", "/platform"] }, platform);

        ImagePlatform[] platforms = [new("linux", "s390x"), ImagePlatform.Current, new("linux", "riscv64"), new("windows", "amd64")];
        HandmadeLayout.Name(path, ("many", HandmadeLayout.AddIndex(path, [.. platforms.Select(Of)])));
        var name = await shared.NewNameAsync();
        new OciLayout(path).Push("many", name, "--all");

        Assert.Equal(ImagePlatform.Current + "\n", await _host.OutputOf(ContainerBuilder.FromImage(name)));
        var ours = await _host.Images.InspectAsync(name, cancellationToken: ImageHost.Token);
        Assert.Equal(ImagePlatform.Current, ours.Platform);
        Assert.NotEqual(ours.TargetDigest, ours.Digest);

        var other = await _host.Images.PullAsync(name, new PullOptions { Platform = platforms[0] }, ImageHost.Token);
        Assert.Equal((platforms[0], ours.TargetDigest), (other.Platform, other.TargetDigest));
        Assert.NotEqual(ours.Digest, other.Digest);

        // Its busybox is this machine's in truth, so that it can be seen which one runs.
        Assert.Equal("linux/riscv64\n", await _host.OutputOf(ContainerBuilder.FromImage(name, platform: platforms[2])));
        var missing = await Assert.ThrowsAsync<ImageException>(() => _host.Images.PullAsync(name, new PullOptions { Platform = new ImagePlatform("linux", "mips64le") }, ImageHost.Token));
        Assert.Contains("linux/mips64le", missing.Message, StringComparison.Ordinal);
        Assert.Contains("linux/s390x", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task IndexOfPodman_IsPulledAndRun()
    {
        SharedImages.RequireRoot();
        var layout = HandmadeLayout.Write(_host.Directory["layout"], new ContainerConfiguration { Cmd = ["/bin/echo", "from a list"] });
        var podman = new Podman(_host.Directory);
        var name = await shared.NewNameAsync();
        layout.Push("1", name);
        podman.Run("manifest", "create", "localhost/list:1");
        podman.Run("manifest", "add", "--tls-verify=false", "localhost/list:1", "docker://" + name);
        name = await shared.NewNameAsync();
        podman.Run("manifest", "push", "--tls-verify=false", "--all", "localhost/list:1", "docker://" + name);
        Assert.Equal("from a list\n", await _host.OutputOf(ContainerBuilder.FromImage(name)));
        var image = await _host.Images.InspectAsync(name, cancellationToken: ImageHost.Token);
        Assert.NotEqual(image.TargetDigest, image.Digest);
    }

    [Fact]
    public async Task ImageOfBuildah_FromScratch_IsPulledAndRun()
    {
        SharedImages.RequireRoot();
        using var root = new TemporaryDirectory();
        BusyboxRoot.Make(root.Path);
        string[] store = ["--root", _host.Directory["buildah"], "--runroot", _host.Directory["buildah-run"], "--storage-driver", "vfs"];
        var container = Tool.Run("buildah", [.. store, "from", "scratch"]).Trim();
        Tool.Run("buildah", [.. store, "copy", "--quiet", container, root.Path, "/"]);
        Tool.Run("buildah", [.. store, "config", "--cmd", "[\"/bin/id\"]", "--user", "ada", "--label", "made-by=buildah", container]);
        var name = await shared.NewNameAsync();
        Tool.Run("buildah", [.. store, "commit", "--quiet", "--tls-verify=false", container, "docker://" + name]);

        Assert.Equal("uid=1000(ada) gid=1000(ada) groups=50(staff),1000(ada)\n", await _host.OutputOf(ContainerBuilder.FromImage(name)));
        Assert.Equal("buildah", (await _host.Images.InspectAsync(name, cancellationToken: ImageHost.Token)).Labels["made-by"]);
    }
}
