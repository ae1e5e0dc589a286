using Containers.Archives;
using Containers.Interop;
using Containers.Store;

namespace Containers.Tests.Archives;

/// <summary>Podman's own store needs root here.</summary>
public sealed class PodmanTests
{
    [Theory]
    [InlineData("oci-archive")]
    [InlineData("docker-archive")]
    public async Task Podman_LoadsWhatIsWrittenHere(string format)
    {
        Assert.SkipUnless(Libc.EffectiveUserId() == 0, "podman's store needs root");
        using var directory = new TemporaryDirectory();
        using var store = ContentStore.Open(directory["store"]);
        var image = await SampleImage.CreateAsync(1);
        await image.StoreAsync(store);
        ArchivedImage[] images = [new([image.Name], image.Target)];
        var members = format == "docker-archive"
            ? await new DockerArchiveBuilder(store).BuildAsync(images, CancellationToken.None)
            : await new OciLayoutBuilder(store).BuildAsync(images, CancellationToken.None);
        await ArchiveWriter.WriteTarAsync(directory["archive"], members, CancellationToken.None);
        Assert.Contains(image.Name, Tool.Run("podman", [.. Store(directory), "load", "-i", directory["archive"]]), StringComparison.Ordinal);
        Assert.Contains(image.Name, Tool.Run("podman", [.. Store(directory), "images", "--format", "{{.Repository}}:{{.Tag}}"]), StringComparison.Ordinal);
    }

    private static string[] Store(TemporaryDirectory directory) =>
        ["--root", directory["podman"], "--runroot", directory["run"], "--storage-driver", "vfs"];
}
