using System.Text;
using Containers.Oci;
using FsCheck.Xunit;

namespace Containers.Tests.Oci;

[Trait("Category", "Rootless")]
public sealed class ConfigurationReaderTests
{
    private const string Hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private const string Plain = $$$"""
        {"created":"2024-05-06T07:08:09.123456789Z","architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin","A="],"Cmd":["sh"],"User":"0:0","WorkingDir":"/",
        "ExposedPorts":{"80/tcp":{}},"Volumes":{"/data":{}},"Labels":{"a":"b"},"StopSignal":"SIGTERM","Healthcheck":{"Test":["CMD","true"],"Interval":1000000000},"Entrypoint":null,"OnBuild":null},
        "rootfs":{"type":"layers","diff_ids":["{{{Hash}}}"]},"history":[{"created_by":"x","empty_layer":true}],"docker_version":"1.0"}
        """;

    [Fact]
    public void Configuration_IsRead()
    {
        var configuration = Read(Plain);
        Assert.Equal(["PATH=/bin", "A="], configuration.Config!.Env!.Value);
        Assert.Equal(["/data"], configuration.Config.Volumes!.Keys);
        Assert.Equal(Hash, Assert.Single(configuration.Rootfs.DiffIds));
    }

    [Theory]
    [InlineData("", "no such document")]
    [InlineData("{}", "no such document")]
    [InlineData("null", "no such document")]
    [InlineData("""{"rootfs":{"type":"layers","diff_ids":null}}""", "no such document")]
    [InlineData("""{"rootfs":{"type":"layers","diff_ids":[null]}}""", "digest")]
    [InlineData("""{"rootfs":{"type":"layers","diff_ids":["sha256:../x"]}}""", "digest")]
    [InlineData("""{"rootfs":{"diff_ids":[]}}""", "type")]
    [InlineData("""{"rootfs":{"type":"squashfs","diff_ids":[]}}""", "type")]
    [InlineData("""{"rootfs":{"type":"layers","diff_ids":[]},"config":{"Env":[null]}}""", "null")]
    [InlineData("""{"rootfs":{"type":"layers","diff_ids":[]},"config":{"Env":["=x"]}}""", "no name")]
    [InlineData("""{"rootfs":{"type":"layers","diff_ids":[]},"config":{"Cmd":["a\u0000b"]}}""", "NUL")]
    [InlineData("""{"rootfs":{"type":"layers","diff_ids":[]},"config":{"User":"0\u0000"}}""", "NUL")]
    [InlineData("""{"rootfs":{"type":"layers","diff_ids":[]},"config":{"Volumes":{"/\u0000":{}}}}""", "NUL")]
    [InlineData("""{"rootfs":{"type":"layers","diff_ids":[]},"config":{"Labels":{"a":null}}}""", "label")]
    [InlineData("""{"rootfs":{"type":"layers","diff_ids":[]},"rootfs":{"type":"layers","diff_ids":[]}}""", "no such document")]
    public void Configuration_ThatBreaksARule_IsRefusedByName(string text, string rule)
    {
        var refused = Assert.Throws<ImageException>(() => Read(text));
        Assert.Contains("test:1", refused.Message, StringComparison.Ordinal);
        Assert.Contains(rule, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Configuration_MustDescribeTheManifestsLayers()
    {
        var bytes = Encoding.UTF8.GetBytes(Plain);
        var layer = new Descriptor { MediaType = MediaTypes.Layer, Digest = Hash, Size = 1 };
        var own = new Descriptor { MediaType = MediaTypes.Configuration, Digest = Digest.Of(bytes).ToString(), Size = bytes.Length };
        var manifest = new ImageManifest { Config = own, Layers = [layer] };
        Assert.NotNull(ConfigurationReader.Read(bytes, manifest, "test:1"));
        Assert.Throws<ImageException>(() => ConfigurationReader.Read(bytes, manifest with { Layers = [layer, layer] }, "test:1"));
        Assert.Throws<ImageException>(() => ConfigurationReader.Read(bytes, manifest with { Config = own with { Size = 3 } }, "test:1"));
        Assert.Throws<ImageException>(() => ConfigurationReader.Read(bytes, manifest with { Config = own with { Digest = Hash } }, "test:1"));
    }

    [Fact]
    public void Environment_HasALimit()
    {
        var variable = "A=" + new string('x', 300 * 1024);
        Assert.NotNull(Read($$$"""{"rootfs":{"type":"layers","diff_ids":[]},"config":{"Env":["{{{variable}}}"]}}"""));
        Assert.Throws<ImageException>(() => Read($$$"""{"rootfs":{"type":"layers","diff_ids":[]},"config":{"Env":["{{{variable}}}","{{{variable}}}"]}}"""));
    }

    [Property(MaxTest = 100)]
    public void MutatedConfigurations_AreOneOrAnImageException(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 100; i++)
        {
            var bytes = Encoding.UTF8.GetBytes(Plain);
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                Assert.All(ConfigurationReader.Read(bytes, "test:1").Rootfs.DiffIds, id => Digest.Parse(id));
            }
            catch (ImageException)
            {
                // Refused, as it may be.
            }
        }
    }

    private static ImageConfiguration Read(string text) => ConfigurationReader.Read(Encoding.UTF8.GetBytes(text), "test:1");
}
