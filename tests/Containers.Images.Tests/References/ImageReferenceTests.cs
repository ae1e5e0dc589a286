using FsCheck.Xunit;

namespace Containers.Tests.References;

[Trait("Category", "Rootless")]
public sealed class ImageReferenceTests
{
    private const string Hash = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private static readonly string[] Pieces =
    [
        "alpine", "a", "A", "0", ".", "..", "/", ":", "@", "_", "__", "___", "-", "--", "localhost", "localhost:5000", "docker.io", "index.docker.io", "[::1]", "[::1]:80",
        "library", "oci:", "oci-archive:", "docker-archive:", "3.20", "latest", Hash, "sha512:", "://", " ", "\0", "\n", "é", "\ud800", "%", "65536", "127.0.0.1",
    ];

    [Theory]
    [InlineData("alpine", "docker.io/library/alpine:latest", "alpine:latest")]
    [InlineData("alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20")]
    [InlineData("bitnami/redis", "docker.io/bitnami/redis:latest", "bitnami/redis:latest")]
    [InlineData("docker.io/alpine", "docker.io/library/alpine:latest", "alpine:latest")]
    [InlineData("index.docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine:latest")]
    [InlineData("localhost/app", "localhost/app:latest", "localhost/app:latest")]
    [InlineData("localhost:5000/a/b_c/d__e/f--g.h:T_1.x-", "localhost:5000/a/b_c/d__e/f--g.h:T_1.x-", "localhost:5000/a/b_c/d__e/f--g.h:T_1.x-")]
    [InlineData("GHCR.io/owner/app", "ghcr.io/owner/app:latest", "ghcr.io/owner/app:latest")]
    [InlineData("[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest")]
    [InlineData("10.0.0.1/app", "10.0.0.1/app:latest", "10.0.0.1/app:latest")]
    [InlineData("alpine@" + Hash, "docker.io/library/alpine@" + Hash, "alpine@" + Hash)]
    [InlineData("alpine:3@" + Hash, "docker.io/library/alpine:3@" + Hash, "alpine:3@" + Hash)]
    [InlineData("docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest")]
    [InlineData("docker.io/localhost/x", "docker.io/localhost/x:latest", "docker.io/localhost/x:latest")]
    [InlineData("docker.io/library/oci", "docker.io/library/oci:latest", "docker.io/library/oci:latest")]
    [InlineData("oci:layouts/app", "oci:layouts/app", "oci:layouts/app")]
    [InlineData("oci-archive:/tmp/x y.tar:v1", "oci-archive:/tmp/x y.tar:v1", "oci-archive:/tmp/x y.tar:v1")]
    [InlineData("docker-archive:x.tar:alpine:3.20", "docker-archive:x.tar:alpine:3.20", "docker-archive:x.tar:alpine:3.20")]
    public void Reference_IsReadAsDockerReadsIt(string text, string canonical, string familiar)
    {
        var reference = ImageReference.Parse(text);
        Assert.Equal(canonical, reference.ToString());
        Assert.Equal(familiar, reference.Familiar);
        Assert.Equal(reference, ImageReference.Parse(canonical));
        Assert.Equal(reference, ImageReference.Parse(familiar));
    }

    [Fact]
    public void Reference_KnowsItsParts()
    {
        var remote = ImageReference.Parse($"localhost:5000/team/app:1.0@{Hash}");
        Assert.Equal((ImageTransport.Registry, "localhost:5000", "team/app", "1.0", Hash), (remote.Transport, remote.Registry, remote.Repository, remote.Tag, remote.Digest));
        Assert.Null(remote.Path);

        var local = ImageReference.Parse("docker-archive:dir/x.tar:alpine:3.20");
        Assert.Equal((ImageTransport.DockerArchive, "dir/x.tar", "alpine:3.20"), (local.Transport, local.Path, local.Tag));
        Assert.Equal((string.Empty, string.Empty), (local.Registry, local.Repository));
        Assert.Null(ImageReference.Parse("alpine@" + Hash).Tag);
    }

    [Theory]
    [InlineData("", 0, "empty")]
    [InlineData("Alpine", 0, "lower case")]
    [InlineData("library/Alpine", 8, "lower case")]
    [InlineData("alpine:", 7, "tag begins")]
    [InlineData("alpine:-x", 7, "tag begins")]
    [InlineData("alpine:a b", 8, "a tag has")]
    [InlineData("alpine@sha256:abc", 7, "digest is")]
    [InlineData("alpine@sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", 7, "digest is")]
    [InlineData("alpine@md5:d41d8cd98f00b204e9800998ecf8427e", 7, "digest is")]
    [InlineData("../etc/passwd", 0, "host name has")]
    [InlineData("a/../b", 2, "parts of")]
    [InlineData("a//b", 2, "parts of")]
    [InlineData("/a", 0, "parts of")]
    [InlineData("a/", 2, "parts of")]
    [InlineData("a___b", 3, "parts of")]
    [InlineData("a-", 2, "parts of")]
    [InlineData("àlpine", 0, "parts of")]
    [InlineData(" alpine", 0, "parts of")]
    [InlineData("alpine\n", 6, "parts of")]
    [InlineData("host:/a", 5, "port is")]
    [InlineData("host:65536/a", 5, "port is")]
    [InlineData("host:+80/a", 5, "port is")]
    [InlineData(":80/a", 0, "host must")]
    [InlineData("a..b/c", 1, "host name has")]
    [InlineData("-a.b/c", 0, "host name has")]
    [InlineData("user:secret@host.example/a", 12, "digest is")]
    [InlineData("[::1/a", 0, "IPv6")]
    [InlineData("[fe80::1%eth0]/a", 0, "IPv6")]
    [InlineData("[::1]x:5/a", 5, "IPv6")]
    [InlineData("https://ghcr.io/a", 5, "scheme")]
    [InlineData("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0, "id")]
    [InlineData("oci:", 4, "path")]
    [InlineData("oci:dir:", 8, "name of an image")]
    [InlineData("oci:dir:a b", 9, "name of an image")]
    [InlineData("oci:a\0b", 5, "path")]
    public void Reference_ThatIsNone_IsRefusedWithPositionAndRule(string text, int position, string rule)
    {
        var refused = Assert.Throws<FormatException>(() => ImageReference.Parse(text));
        Assert.Contains($"at position {position},", refused.Message, StringComparison.Ordinal);
        Assert.Contains(rule, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.False(ImageReference.TryParse(text, out _));
    }

    [Fact]
    public void Reference_HasLimitsOfLength()
    {
        Assert.True(ImageReference.TryParse("x.io/" + new string('a', 255), out _));
        Assert.False(ImageReference.TryParse("x.io/" + new string('a', 256), out _));
        Assert.False(ImageReference.TryParse(new string('a', 248), out _)); // library/ counts
        Assert.True(ImageReference.TryParse("a:" + new string('t', 128), out _));
        Assert.False(ImageReference.TryParse("a:" + new string('t', 129), out _));
        Assert.False(ImageReference.TryParse(new string('h', 256) + ".io/a", out _));
        Assert.False(ImageReference.TryParse("oci:" + new string('p', 5000), out _));
    }

    [Property(MaxTest = 200)]
    public void AnyText_IsAReferenceThatReadsBackAsItself_OrAFormatException(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 200; i++)
        {
            Check(string.Concat(random.GetItems(Pieces, random.Next(1, 8))));
        }
    }

    [Property(MaxTest = 1000)]
    public void ArbitraryText_IsAReferenceThatReadsBackAsItself_OrAFormatException(string? text) => Check(text ?? string.Empty);

    private static void Check(string text)
    {
        ImageReference reference;
        try
        {
            reference = ImageReference.Parse(text);
        }
        catch (FormatException)
        {
            return;
        }

        Assert.Equal(reference, ImageReference.Parse(reference.ToString()));
        Assert.Equal(reference, ImageReference.Parse(reference.Familiar));
        Assert.DoesNotContain("..", reference.Repository, StringComparison.Ordinal);
        Assert.InRange(reference.Repository.Length, reference.Transport == ImageTransport.Registry ? 1 : 0, 255);
        if (reference.Transport == ImageTransport.Registry)
        {
            _ = new Uri($"https://{reference.Registry}/v2/{reference.Repository}/manifests/{reference.Tag ?? reference.Digest}");
        }
    }
}
