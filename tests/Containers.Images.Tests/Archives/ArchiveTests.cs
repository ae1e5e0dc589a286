using Containers.Archives;
using Containers.Oci;
using Containers.Store;

namespace Containers.Tests.Archives;

/// <summary>Archives that are written here and read by other programs, and the other way round.</summary>
[Trait("Category", "Rootless")]
public sealed class ArchiveTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ContentStore _store;

    public ArchiveTests() => _store = ContentStore.Open(_directory["store"]);

    public void Dispose()
    {
        _store.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("layout")]
    [InlineData("oci-archive")]
    [InlineData("docker-archive")]
    public async Task Archive_IsReadBackWithAllItsImagesAndNames(string format)
    {
        var images = await SaveAsync(format, 1, 2);
        using var other = ContentStore.Open(_directory["other"]);
        await using var hold = other.Hold();
        var read = await ArchiveImporter.ImportAsync(other, hold, _directory["archive"]);
        Assert.Equal(["example.org/sample:1", "example.org/sample:2"], read.SelectMany(static image => image.Names));
        Assert.Empty(other.Tags.List());
        foreach (var (image, sample) in read.Zip(images))
        {
            var document = await other.Images.ReadAsync(image.Target.Id, image.Target);
            var configuration = await other.Images.ReadConfigurationAsync(document.Manifest!);
            Assert.Equal(sample.Identities.Select(static identity => identity.DiffId.ToString()), configuration.Rootfs.DiffIds);
            await other.Tags.SetAsync(image.Names[0], image.Target);
            Assert.Equal(format != "docker-archive", image.Target.Id == sample.Digest);
        }

        Assert.Empty(await other.Verifier.VerifyAsync(repair: false));
    }

    [Theory]
    [InlineData("oci-archive")]
    [InlineData("docker-archive")]
    public async Task Archive_HasTheSameBytesWheneverItIsWritten(string format)
    {
        await SaveAsync(format, 1, 2);
        var first = await File.ReadAllBytesAsync(_directory["archive"]);
        using var stream = new MemoryStream();
        await WriteAsync(format, stream, [await SampleImage.CreateAsync(1), await SampleImage.CreateAsync(2)]);
        Assert.Equal(first, stream.ToArray());
    }

    [Theory]
    [InlineData("layout", "oci:{0}:example.org/sample:1")]
    [InlineData("oci-archive", "oci-archive:{0}:example.org/sample:1")]
    [InlineData("docker-archive", "docker-archive:{0}:example.org/sample:1")]
    public async Task Skopeo_ReadsWhatIsWrittenHere(string format, string name)
    {
        var image = (await SaveAsync(format, 1))[0];
        var reference = string.Format(System.Globalization.CultureInfo.InvariantCulture, name, _directory["archive"]);
        var text = Tool.Run("skopeo", "inspect", "--config", reference);
        Assert.All(image.Identities, identity => Assert.Contains(identity.DiffId.ToString(), text, StringComparison.Ordinal));
        Tool.Run("skopeo", "--insecure-policy", "copy", reference, $"oci:{_directory["copy"]}:x");
    }

    [Fact]
    public async Task Umoci_UnpacksWhatIsWrittenHere()
    {
        // Its names of images are tags alone.
        var image = await SampleImage.CreateAsync(1);
        await image.StoreAsync(_store);
        var members = await new OciLayoutBuilder(_store).BuildAsync([new ArchivedImage(["one"], image.Target)], CancellationToken.None);
        await ArchiveWriter.WriteDirectoryAsync(_directory["layout"], members, CancellationToken.None);
        Tool.Run("umoci", "unpack", "--rootless", "--image", $"{_directory["layout"]}:one", _directory["bundle"]);
        Assert.Equal(["layer-0", "layer-101", "layer-2"], Directory.EnumerateFiles(_directory["bundle/rootfs"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("docker-archive")]
    [InlineData("oci-archive")]
    [InlineData("dir")]
    public async Task Archive_OfSkopeo_IsRead(string format)
    {
        var image = (await SaveAsync("layout", 1))[0];
        var target = format == "dir" ? $"oci:{_directory["skopeo"]}:a" : $"{format}:{_directory["skopeo"]}:example.org/sample:a";
        Tool.Run("skopeo", "--insecure-policy", "copy", $"oci:{_directory["archive"]}:example.org/sample:1", target);
        using var other = ContentStore.Open(_directory["other"]);
        await using var hold = other.Hold();
        var read = Assert.Single(await ArchiveImporter.ImportAsync(other, hold, _directory["skopeo"]));
        Assert.Equal(format == "dir" ? "a" : "example.org/sample:a", Assert.Single(read.Names));
        await other.Tags.SetAsync("a", read.Target);
        var document = await other.Images.ReadAsync(read.Target.Id);
        Assert.Equal(
            image.Identities.Select(static identity => identity.DiffId.ToString()), (await other.Images.ReadConfigurationAsync(document.Manifest!)).Rootfs.DiffIds);
        Assert.Empty(await other.Verifier.VerifyAsync(repair: false));
    }

    [Theory]
    [InlineData("oci-archive")]
    [InlineData("docker-archive")]
    public async Task CompressedArchive_FromAPipe_IsRead(string format)
    {
        var image = (await SaveAsync(format, 1))[0];
        Tool.Run("gzip", "-k", _directory["archive"]);
        using var other = ContentStore.Open(_directory["other"]);
        await using var hold = other.Hold();
        await using var file = File.OpenRead(_directory["archive.gz"]);
        await using var pipe = new System.IO.Compression.BrotliStream(new MemoryStream(Brotli(file)), System.IO.Compression.CompressionMode.Decompress);
        Assert.False(pipe.CanSeek);
        var read = Assert.Single(await ArchiveImporter.ImportAsync(other, hold, pipe, "standard input"));
        Assert.All(image.Identities, identity => Assert.True(format == "oci-archive" || other.Blobs.Contains(identity.DiffId)));
        Assert.True(other.Blobs.Contains(read.Target.Id));
        Assert.Single(Directory.EnumerateFiles(Directory.EnumerateDirectories(_directory["other/sessions"]).Single()), static path => path.EndsWith("held", StringComparison.Ordinal));

        static byte[] Brotli(Stream source)
        {
            var target = new MemoryStream();
            using (var brotli = new System.IO.Compression.BrotliStream(target, System.IO.Compression.CompressionLevel.Fastest))
            {
                source.CopyTo(brotli);
            }

            return target.ToArray();
        }
    }

    [Fact]
    public async Task Layout_WhereSomethingIs_IsNotWritten()
    {
        await SaveAsync("layout", 1);
        await Assert.ThrowsAsync<ImageException>(() => SaveAsync("layout", 1));
        Assert.Single(Directory.EnumerateDirectories(_directory.Path, "archive*"));
    }

    [Theory]
    [InlineData("layout")]
    [InlineData("oci-archive")]
    [InlineData("docker-archive")]
    public async Task Image_OfWhichABlobIsMissing_IsNotSaved(string format)
    {
        var image = await SampleImage.CreateAsync(1);
        await image.StoreAsync(_store);
        File.Delete(_directory[$"store/blobs/sha256/{Digest.Of(image.Blobs[0]).Hex}"]);
        var exception = await Assert.ThrowsAsync<ImageException>(() => WriteAsync(format, null, [image]));
        Assert.Contains("pull the image again", exception.Message, StringComparison.Ordinal);
        Assert.False(Path.Exists(_directory["archive"]));
    }

    private async Task<List<SampleImage>> SaveAsync(string format, params int[] numbers)
    {
        var images = new List<SampleImage>();
        foreach (var number in numbers)
        {
            images.Add(await SampleImage.CreateAsync(number));
            await images[^1].StoreAsync(_store);
        }

        await WriteAsync(format, null, images);
        return images;
    }

    private async Task WriteAsync(string format, Stream? stream, List<SampleImage> images)
    {
        var archived = images.Select(static image => new ArchivedImage([image.Name], image.Target));
        var members = format == "docker-archive"
            ? await new DockerArchiveBuilder(_store).BuildAsync(archived, CancellationToken.None)
            : await new OciLayoutBuilder(_store).BuildAsync(archived, CancellationToken.None);
        await (stream is not null ? ArchiveWriter.WriteTarAsync(stream, members, CancellationToken.None)
            : format == "layout" ? ArchiveWriter.WriteDirectoryAsync(_directory["archive"], members, CancellationToken.None)
            : ArchiveWriter.WriteTarAsync(_directory["archive"], members, CancellationToken.None));
    }
}
