using System.Text;
using System.Text.Json;
using Containers.Archives;
using Containers.Oci;
using Containers.Store;
using Containers.Tar;

namespace Containers.Tests.Archives;

[Trait("Category", "Rootless")]
public sealed class HostileArchiveTests : IDisposable
{
    private static readonly byte[] Marker = "{\"imageLayoutVersion\":\"1.0.0\"}"u8.ToArray();
    private readonly TemporaryDirectory _directory = new();
    private readonly ContentStore _store;

    public HostileArchiveTests() => _store = ContentStore.Open(_directory["store"]);

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(nameof(TarEntryKind.SymbolicLink))]
    [InlineData(nameof(TarEntryKind.HardLink))]
    [InlineData(nameof(TarEntryKind.Fifo))]
    [InlineData(nameof(TarEntryKind.Directory))]
    public async Task Configuration_ThatIsNoFile_IsNotRead(string kind)
    {
        var members = new List<(TarEntry, byte[])>
        {
            (new TarEntry { Kind = Enum.Parse<TarEntryKind>(kind), Path = "config.json"u8.ToArray(), LinkTarget = "/etc/shadow"u8.ToArray() }, []),
            File("manifest.json", "[{\"Config\":\"config.json\",\"RepoTags\":[],\"Layers\":[]}]"u8.ToArray()),
        };
        await RefusedAsync(members, kind == nameof(TarEntryKind.Directory) ? "has no \"config.json\"" : "is no file");
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("blobs/../../../etc/passwd")]
    [InlineData("")]
    public async Task Configuration_OutsideOfTheArchive_IsNotRead(string name)
    {
        var manifest = JsonSerializer.SerializeToUtf8Bytes([new DockerArchiveImage { Config = name, Layers = [] }], DockerArchiveJson.Default.ImmutableArrayDockerArchiveImage);
        await RefusedAsync([File("manifest.json", manifest), File("../../etc/passwd", "{}"u8.ToArray())], "is no file");
    }

    [Fact]
    public async Task Document_LargerThanAnyMayBe_IsNotHeldInMemory() =>
        await RefusedAsync([File("manifest.json", new byte[(4 << 20) + 1])], "no document has more");

    [Fact]
    public async Task Documents_LargeTogether_AreNotHeldInMemory()
    {
        var large = new byte[4 << 20];
        large[0] = (byte)'{';
        await RefusedAsync([.. Enumerable.Range(0, 20).Select(i => File($"{i}.json", large))], "together");
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[null]")]
    [InlineData("[{}]")]
    [InlineData("[{\"Config\":null,\"Layers\":[]}]")]
    [InlineData("[{\"Config\":\"a\",\"Layers\":null}]")]
    [InlineData("[{\"Config\":\"a\",\"Layers\":[null]}]")]
    [InlineData("[{\"Config\":\"a\",\"Layers\":[]}]")]
    [InlineData("[[[[[[[[[[[[[[[[")]
    public async Task DockerManifest_ThatIsNone_IsRefused(string text) => await RefusedAsync([File("manifest.json", Encoding.UTF8.GetBytes(text))], "");

    [Fact]
    public async Task MemberThatIsThereTwice_IsRefused() =>
        await RefusedAsync([File("manifest.json", "[]"u8.ToArray()), File("./manifest.json", "[]"u8.ToArray())], "twice");

    [Fact]
    public async Task Layer_ThatIsNotWhatTheConfigurationSays_IsRefused()
    {
        var image = await SampleImage.CreateAsync(2);
        var layers = image.Tars.Select(static (tar, i) => File($"{i}.tar", i == 1 ? [.. tar[..^1], 1] : tar));
        var manifest = "[{\"Config\":\"c.json\",\"RepoTags\":[\"a:b\"],\"Layers\":[\"0.tar\",\"1.tar\",\"2.tar\"]}]"u8.ToArray();
        await RefusedAsync([.. layers, File("c.json", image.Configuration), File("manifest.json", manifest)], "was changed on its way");
    }

    [Fact]
    public async Task IndexesInIndexes_AreFollowedToALimitOnly()
    {
        var members = new List<(TarEntry, byte[])>();
        var target = (await SampleImage.CreateAsync(1)).Target;
        for (var depth = 0; depth < 1000; depth++)
        {
            var index = Index(target);
            members.Add(File($"blobs/sha256/{Digest.Of(index).Hex}", index));
            target = new Descriptor { MediaType = MediaTypes.Index, Digest = Digest.Of(index).ToString(), Size = index.Length };
        }

        await RefusedAsync([.. members, File("oci-layout", Marker), File("index.json", Index(target))], "nested more than");
    }

    [Fact]
    public async Task Index_ThatClaimsToBeInItself_IsRefused()
    {
        // A digest that its content does not have is the only way to make a circle.
        var digest = Digest.Of("circle"u8);
        var index = Index(new Descriptor { MediaType = MediaTypes.Index, Digest = digest.ToString(), Size = 300 });
        await RefusedAsync([File($"blobs/sha256/{digest.Hex}", index), File("oci-layout", Marker), File("index.json", index)], "announced");
    }

    [Theory]
    [InlineData("application/vnd.oci.image.index.v1+json")]
    [InlineData("application/vnd.docker.distribution.manifest.v2+json")]
    public async Task Manifest_UnderAnotherMediaType_IsRefused(string type)
    {
        var image = await SampleImage.CreateAsync(1);
        await RefusedAsync(
            [
                File($"blobs/sha256/{image.Digest.Hex}", image.Manifest),
                File("oci-layout", Marker),
                File("index.json", Index(image.Target with { MediaType = type })),
            ],
            "media type");
    }

    [Fact]
    public async Task Layout_OfAnotherVersion_IsRefused() =>
        await RefusedAsync([File("oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}"u8.ToArray()), File("index.json", "{}"u8.ToArray())], "version");

    [Fact]
    public async Task FileThatIsNoArchive_IsRefused()
    {
        await System.IO.File.WriteAllTextAsync(_directory["archive"], "hello");
        await using var hold = _store.Hold();
        await Assert.ThrowsAsync<ImageException>(() => ArchiveImporter.ImportAsync(_store, hold, _directory["archive"]));
        await Assert.ThrowsAsync<ImageException>(() => ArchiveImporter.ImportAsync(_store, hold, _directory["missing"]));
        await Assert.ThrowsAsync<ImageException>(() => ArchiveImporter.ImportAsync(_store, hold, _directory["store"]));
    }

    [Fact]
    public async Task LinkInALayoutDirectory_IsNotFollowed()
    {
        Directory.CreateDirectory(_directory["layout/blobs/sha256"]);
        await System.IO.File.WriteAllBytesAsync(_directory["layout/oci-layout"], Marker);
        var image = await SampleImage.CreateAsync(1);
        await System.IO.File.WriteAllBytesAsync(_directory["layout/index.json"], Index(image.Target));
        await System.IO.File.WriteAllBytesAsync(_directory["manifest"], image.Manifest);
        System.IO.File.CreateSymbolicLink(_directory[$"layout/blobs/sha256/{image.Digest.Hex}"], _directory["manifest"]);
        await using var hold = _store.Hold();
        var exception = await Assert.ThrowsAsync<ImageException>(() => ArchiveImporter.ImportAsync(_store, hold, _directory["layout"]));
        Assert.Contains("is no file", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ArchiveThatIsCutAnywhere_IsRefusedOrWhole()
    {
        var image = await SampleImage.CreateAsync(1);
        await image.StoreAsync(_store, unpack: false);
        var members = await new OciLayoutBuilder(_store).BuildAsync([new ArchivedImage(["a"], image.Target)], CancellationToken.None);
        using var stream = new MemoryStream();
        await ArchiveWriter.WriteTarAsync(stream, members, CancellationToken.None);
        using var other = ContentStore.Open(_directory["other"]);
        for (var length = 0; length < stream.Length - 1024; length += 7777)
        {
            await using var hold = other.Hold();
            await Assert.ThrowsAsync<ImageException>(() => ArchiveImporter.ImportAsync(other, hold, new MemoryStream(stream.ToArray()[..length]), "cut"));
        }

        Assert.Empty((await other.UsageAsync()).Images);
    }

    private static byte[] Index(params Descriptor[] entries) =>
        JsonSerializer.SerializeToUtf8Bytes(new ImageIndex { MediaType = MediaTypes.Index, Manifests = [.. entries] }, OciJson.Default.ImageIndex);

    private static (TarEntry Entry, byte[] Content) File(string name, byte[] content) =>
        (new TarEntry { Kind = TarEntryKind.File, Path = Encoding.UTF8.GetBytes(name), Size = content.Length }, content);

    /// <summary>Neither an image nor a tag may come of it.</summary>
    private async Task RefusedAsync(List<(TarEntry Entry, byte[] Content)> members, string reason)
    {
        using var stream = new MemoryStream();
        using (var writer = new TarWriter(stream))
        {
            foreach (var (entry, content) in members)
            {
                await writer.WriteAsync(entry, content, CancellationToken.None);
            }

            await writer.CompleteAsync(CancellationToken.None);
        }

        stream.Position = 0;
        await using (var hold = _store.Hold())
        {
            var exception = await Assert.ThrowsAsync<ImageException>(() => ArchiveImporter.ImportAsync(_store, hold, stream, "archive"));
            Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        }

        Assert.Empty((await _store.UsageAsync()).Images);
        Assert.Empty(_store.Tags.List());
        await _store.Collector.PruneAsync(new PruneOptions { Scope = PruneScope.Orphans });
        Assert.Empty(_store.Blobs.List());
    }
}
