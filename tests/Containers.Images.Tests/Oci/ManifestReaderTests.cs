using System.Text;
using Containers.Oci;
using FsCheck.Xunit;

namespace Containers.Tests.Oci;

[Trait("Category", "Rootless")]
public sealed class ManifestReaderTests
{
    private const string Hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private const string Config = $$"""{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{Hash}}","size":0}""";
    private const string Layer = $$"""{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{Hash}}","size":12,"urls":["http://169.254.169.254/"]}""";
    private const string Manifest = $$$"""{"schemaVersion":2,"mediaType":"{{{MediaTypes.Manifest}}}","config":{{{Config}}},"layers":[{{{Layer}}}],"annotations":{"a":"b"}}""";
    private const string Index = $$$"""{"schemaVersion":2,"mediaType":"{{{MediaTypes.Index}}}","manifests":[{"mediaType":"{{{MediaTypes.Manifest}}}","digest":"{{{Hash}}}","size":7,"platform":{"os":"linux","architecture":"amd64"}}]}""";

    [Fact]
    public void Manifest_IsReadWithItsDigest()
    {
        var document = Read(Manifest, MediaTypes.Manifest);
        Assert.Equal(Digest.Of(Encoding.UTF8.GetBytes(Manifest)), document.Digest);
        Assert.Equal(12, Assert.Single(document.Manifest!.Layers).Size);
        Assert.Null(document.Index);
        ManifestReader.RequireImage(document.Manifest, "test");
    }

    [Fact]
    public void Index_AndDockersSchema2_AreRead()
    {
        Assert.Equal("amd64", Assert.Single(Read(Index, MediaTypes.Index).Index!.Manifests).Platform!.Architecture);
        var docker = Manifest.Replace(MediaTypes.Manifest, MediaTypes.DockerManifest, StringComparison.Ordinal)
            .Replace(MediaTypes.Configuration, MediaTypes.DockerConfiguration, StringComparison.Ordinal)
            .Replace(MediaTypes.LayerGzip, MediaTypes.DockerLayerGzip, StringComparison.Ordinal);
        ManifestReader.RequireImage(Read(docker, MediaTypes.DockerManifest).Manifest!, "test");
    }

    [Fact]
    public void Manifest_WithoutItsMediaType_IsWhatTheServerCallsIt()
    {
        var bare = Manifest.Replace($"\"mediaType\":\"{MediaTypes.Manifest}\",", string.Empty, StringComparison.Ordinal);
        Assert.Equal(MediaTypes.DockerManifest, Read(bare, MediaTypes.DockerManifest).MediaType);
        Assert.Equal(MediaTypes.Manifest, Read(bare, null).MediaType);
        Assert.Throws<ImageException>(() => Read(bare, MediaTypes.Index));
    }

    [Theory]
    [InlineData("", "no such document")]
    [InlineData("null", "no JSON object")]
    [InlineData("[]", "no JSON object")]
    [InlineData("{}", "schemaVersion")]
    [InlineData("""{"schemaVersion":2}""", "neither")]
    [InlineData("""{"schemaVersion":1,"fsLayers":[]}""", "first manifest schema")]
    [InlineData($$"""{"schemaVersion":2,"manifests":[],"config":{{Config}},"layers":[]}""", "at once")]
    [InlineData($$"""{"schemaVersion":2,"manifests":[],"Layers":[]}""", "at once")]
    [InlineData($$"""{"schemaVersion":2,"config":{{Config}},"layers":[],"Layers":[]}""", "twice")]
    [InlineData($$"""{"schemaVersion":2,"config":{{Config}},"layers":[null]}""", "none")]
    [InlineData($$"""{"schemaVersion":2,"config":{{Config}},"layers":null}""", "no such document")]
    [InlineData($$"""{"schemaVersion":2,"config":{{Config}}}""", "no such document")]
    [InlineData($$"""{"schemaVersion":2,"config":null,"layers":[]}""", "no such document")]
    [InlineData("""{"schemaVersion":2,"config":{"digest":"sha256:../../x","size":1},"layers":[]}""", "digest")]
    [InlineData($$"""{"schemaVersion":2,"config":{"digest":"{{Hash}}","size":-1},"layers":[]}""", "size")]
    [InlineData($$"""{"schemaVersion":2,"config":{"digest":"{{Hash}}","size":5000000},"layers":[]}""", "size")]
    [InlineData($$"""{"schemaVersion":2,"config":{"digest":"{{Hash}}","size":9223372036854775808},"layers":[]}""", "no such document")]
    [InlineData($$"""{"schemaVersion":2,"config":{"digest":"{{Hash}}"},"layers":[]}""", "no such document")]
    [InlineData($$"""{"schemaVersion":2,"config":{{Config}},"layers":[],"mediaType":"{{MediaTypes.Index}}"}""", "form of a manifest")]
    [InlineData($$"""{"schemaVersion":2,"config":{{Config}},"layers":[]} x""", "no such document")]
    public void Document_ThatBreaksARule_IsRefusedByName(string text, string rule)
    {
        var refused = Assert.Throws<ImageException>(() => Read(text, null));
        Assert.Contains("docker.io/library/test:1", refused.Message, StringComparison.Ordinal);
        Assert.Contains(rule, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MediaTypes_OfDocumentServerAndDescriptor_MustAgree()
    {
        Assert.Throws<ImageException>(() => Read(Manifest, MediaTypes.DockerManifest));
        Assert.Throws<ImageException>(() => Read(Manifest, "application/json"));
        var descriptor = Read(Manifest, null).Descriptor;
        Assert.NotNull(ManifestReader.Read(Encoding.UTF8.GetBytes(Manifest), "test", MediaTypes.Manifest, descriptor));
        Assert.Throws<ImageException>(() => ManifestReader.Read(Encoding.UTF8.GetBytes(Manifest), "test", MediaTypes.Manifest, descriptor with { MediaType = MediaTypes.Index }));
        Assert.Throws<ImageException>(() => ManifestReader.Read(Encoding.UTF8.GetBytes(Manifest), "test", null, descriptor with { Size = 1 }));
        Assert.Throws<ImageException>(() => ManifestReader.Read(Encoding.UTF8.GetBytes(Manifest), "test", null, descriptor with { Digest = Hash }));
    }

    [Fact]
    public void Documents_HaveLimits()
    {
        var layers = string.Join(',', Enumerable.Repeat(Layer, DocumentLimits.MaxLayers + 1));
        Assert.Contains("501 layers", Assert.Throws<ImageException>(() => Read($$"""{"schemaVersion":2,"config":{{Config}},"layers":[{{layers}}]}""", null)).Message, StringComparison.Ordinal);
        Assert.Throws<ImageException>(() => Read(Manifest + new string(' ', DocumentLimits.MaxDocument), null));
        Assert.Throws<ImageException>(() => Read("{\"schemaVersion\":2,\"layers\":" + new string('[', 100_000), null));
    }

    [Fact]
    public void Artifacts_AndForeignLayers_AreNoImages()
    {
        var artifact = Read(Manifest.Replace(MediaTypes.Configuration, MediaTypes.EmptyJson, StringComparison.Ordinal), null).Manifest!;
        Assert.Contains("artifact", Assert.Throws<ImageException>(() => ManifestReader.RequireImage(artifact, "test")).Message, StringComparison.Ordinal);
        var foreign = Read(Manifest.Replace(MediaTypes.LayerGzip, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", StringComparison.Ordinal), null).Manifest!;
        Assert.Contains("never fetched", Assert.Throws<ImageException>(() => ManifestReader.RequireImage(foreign, "test")).Message, StringComparison.Ordinal);
    }

    [Property(MaxTest = 300)]
    public void AnyBytes_AreADocumentOrAnImageException(byte[] bytes)
    {
        Attempt(bytes);
    }

    [Property(MaxTest = 100)]
    public void MutatedDocuments_AreADocumentOrAnImageException(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 100; i++)
        {
            var bytes = Encoding.UTF8.GetBytes(i % 2 == 0 ? Manifest : Index);
            for (var change = random.Next(1, 5); change > 0; change--)
            {
                var at = random.Next(bytes.Length);
                bytes = random.Next(3) switch
                {
                    0 => [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]],
                    1 => [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + random.Next(20))..], .. "null"u8],
                    _ => [.. bytes[..at], (byte)random.Next(256), .. bytes[Math.Min(bytes.Length, at + 1)..]],
                };
            }

            Attempt(bytes);
        }
    }

    private static void Attempt(byte[] bytes)
    {
        try
        {
            var document = ManifestReader.Read(bytes, "docker.io/library/test:1");
            Assert.True(document.Manifest is null != document.Index is null);
        }
        catch (ImageException refused)
        {
            Assert.Contains("docker.io/library/test:1", refused.Message, StringComparison.Ordinal);
        }
    }

    private static ManifestDocument Read(string text, string? contentType) => ManifestReader.Read(Encoding.UTF8.GetBytes(text), "docker.io/library/test:1", contentType);
}
