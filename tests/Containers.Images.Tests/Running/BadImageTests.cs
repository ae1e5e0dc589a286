using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Containers.Oci;

namespace Containers.Tests.Running;

/// <summary>An image is a stranger's word: what cannot be is refused by name, and nothing of the host is touched.</summary>
public sealed class BadImageTests : IAsyncDisposable
{
    private readonly ImageHost _host = new();

    public BadImageTests() => SharedImages.RequireRoot();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public Task ImageWithoutACommand_IsRefused_AndRunsWithOne() => RefusedAsync(new ContainerConfiguration(), "names no command");

    [Theory]
    [InlineData("SIGNOTHING")]
    [InlineData("0")]
    [InlineData("65")]
    [InlineData("SIGTERM; reboot")]
    public Task StopSignal_ThatIsNone_IsRefused(string signal) => RefusedAsync(Shell with { StopSignal = signal }, "is no signal");

    [Theory]
    [InlineData("4294967296")]
    [InlineData("4294967295")]
    [InlineData("0:4294967296")]
    [InlineData("-1")]
    public Task User_ThatNoKernelHas_IsRefused(string user) => RefusedAsync(Shell with { User = user }, "User");

    [Theory]
    [InlineData("/../../etc")]
    [InlineData("/")]
    [InlineData("relative")]
    [InlineData("/proc")]
    public async Task Volume_ThatCannotBeOne_IsRefused_OrStaysInTheContainer(string volume)
    {
        var before = Directory.GetLastWriteTimeUtc("/etc");
        var image = await ImportAsync(Shell with
        {
            Volumes = ImmutableSortedDictionary<string, JsonObject>.Empty.Add(volume, []),
            Cmd = ["/bin/sh", "-c", "echo mine > /etc/containers-volume-test"],
        });
        try
        {
            await _host.Engine.RunAsync(ContainerBuilder.FromImage(image), ImageHost.Token);
        }
        catch (ImageException refused)
        {
            Assert.Contains(volume, refused.Message, StringComparison.Ordinal);
        }

        Assert.False(File.Exists("/etc/containers-volume-test"));
        Assert.Equal(before, Directory.GetLastWriteTimeUtc("/etc"));
    }

    [Theory]
    [InlineData("/proc/self/fd/9")]
    [InlineData("/proc/self/fd/9/../../etc")]
    [InlineData("/proc/1/root/etc")]
    [InlineData("/../../../root")]
    public async Task WorkingDirectory_NeverIsOneOfTheHost(string directory)
    {
        // The image has neither /usr nor /boot: whoever sees one sees the host.
        var image = await ImportAsync(Shell with { WorkingDir = directory, Cmd = ["/bin/sh", "-c", "/bin/readlink /proc/self/cwd; /bin/ls -a .. ../.. ../../.."] });
        try
        {
            var result = await _host.Engine.RunAsync(ContainerBuilder.FromImage(image), ImageHost.Token);
            Assert.DoesNotContain("usr", result.StandardOutput.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("boot", result.StandardOutput.Text, StringComparison.Ordinal);
        }
        catch (ContainerException refused)
        {
            Assert.Contains(directory[..4], refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task WorkingDirectory_BehindALinkThatLeads_Out_IsMadeInside()
    {
        var image = await ImportAsync(
            Shell with { WorkingDir = "/out/containers-workdir-test", Cmd = ["/bin/pwd"] },
            HandmadeLayout.Layer(new System.Formats.Tar.PaxTarEntry(System.Formats.Tar.TarEntryType.SymbolicLink, "out") { LinkName = "../../../../../../../tmp" }));
        Assert.Equal("/tmp/containers-workdir-test\n", await _host.OutputOf(ContainerBuilder.FromImage(image)));
        Assert.False(Directory.Exists("/tmp/containers-workdir-test"));
    }

    private static ContainerConfiguration Shell => new() { Cmd = ["/bin/sh", "-c", "true"] };

    /// <summary>Refused when it is run, not when it is fetched: others may want to look at it, or run it with other settings.</summary>
    private async Task RefusedAsync(ContainerConfiguration config, string reason)
    {
        var image = await ImportAsync(config);
        var refused = await Assert.ThrowsAsync<ImageException>(() => _host.Engine.RunAsync(ContainerBuilder.FromImage(image), ImageHost.Token));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.Equal("mine\n", await _host.OutputOf(ContainerBuilder.FromImage(image).WithCommand("/bin/echo", "mine").WithUser("root").WithStopSignal(Signal.Terminate)));
    }

    private async Task<string> ImportAsync(ContainerConfiguration config, params byte[][] layers)
    {
        var layout = HandmadeLayout.Write(_host.Directory["layout"], config, layers);
        var image = Assert.Single(await _host.Images.LoadAsync(layout.Path, cancellationToken: ImageHost.Token));
        await _host.Images.TagAsync("example.org/any@" + image.Digest, "bad:1", ImageHost.Token);
        return "bad:1";
    }
}
