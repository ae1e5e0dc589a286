using Containers.Oci;

namespace Containers.Tests.Oci;

[Trait("Category", "Rootless")]
public sealed class DigestTests
{
    private const string Empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Fact]
    public void Digest_OfContent_IsItsSha256()
    {
        Assert.Equal(Empty, Digest.Of([]).ToString());
        Assert.Equal(Digest.Of([]), Digest.Parse(Empty));
        Assert.Equal("e3b0c44298fc", Digest.Parse(Empty).Short);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("sha256:")]
    [InlineData("sha256:../../../../../../../../../../../../../../../../../../../../../../x")]
    [InlineData("md5:d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [InlineData("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85")]
    [InlineData("sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n")]
    public void Digest_ThatIsNone_IsRefused(string? text)
    {
        Assert.False(Digest.TryParse(text, out _));
        Assert.Throws<ImageException>(() => Digest.Parse(text));
    }
}
