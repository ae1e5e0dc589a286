using Containers.Oci;
using Containers.References;

namespace Containers.Tests.References;

[Trait("Category", "Rootless")]
public sealed class ImagePlatformTests
{
    [Theory]
    [InlineData("linux/amd64", "linux/amd64")]
    [InlineData("Linux/x86_64", "linux/amd64")]
    [InlineData("linux/amd64/v1", "linux/amd64")]
    [InlineData("linux/amd64/v3", "linux/amd64/v3")]
    [InlineData("linux/aarch64", "linux/arm64")]
    [InlineData("linux/arm64/v8", "linux/arm64")]
    [InlineData("linux/arm64/8", "linux/arm64")]
    [InlineData("linux/arm", "linux/arm/v7")]
    [InlineData("linux/arm/6", "linux/arm/v6")]
    [InlineData("linux/armhf", "linux/arm/v7")]
    [InlineData("linux/armel", "linux/arm/v6")]
    [InlineData("linux/i686", "linux/386")]
    [InlineData("macos/arm64", "darwin/arm64")]
    public void Platform_IsPutIntoTheSpecificationsWords(string text, string normal)
    {
        Assert.Equal(normal, ImagePlatform.Parse(text).ToString());
        Assert.Equal(ImagePlatform.Parse(text), ImagePlatform.Parse(normal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("linux")]
    [InlineData("linux/")]
    [InlineData("linux/amd64/v1/x")]
    [InlineData("linux/am d64")]
    [InlineData("linux/amd64\n")]
    public void Platform_ThatIsNone_IsRefused(string text)
    {

        Assert.False(ImagePlatform.TryParse(text, out _));
        Assert.Throws<FormatException>(() => ImagePlatform.Parse(text));
    }

    [Fact]
    public void Current_IsThisMachine() =>
        Assert.Equal("linux/" + (System.Runtime.InteropServices.RuntimeInformation.OSArchitecture is System.Runtime.InteropServices.Architecture.X64 ? "amd64" : "arm64"), ImagePlatform.Current.ToString());

    [Theory]
    [InlineData("linux/arm/v8", "arm/v6 arm/v8 arm/v7", 1)]
    [InlineData("linux/arm/v8", "arm/v6 amd64 arm/v7", 2)]
    [InlineData("linux/arm/v7", "arm/v8 arm/v5 arm/v6", 2)]
    [InlineData("linux/arm64", "amd64 arm64/v8 arm64", 1)]
    [InlineData("linux/amd64", "arm64 amd64 amd64", 1)]
    [InlineData("linux/amd64/v3", "amd64 amd64/v2 amd64/v4", 1)]
    public void Selector_TakesTheExactOne_ThenTheNearestOlderVariant(string wanted, string offered, int chosen)
    {
        var index = Index([.. offered.Split(' ').Select((platform, i) => Entry(i, platform.Split('/')))]);
        Assert.Same(index.Manifests[chosen], PlatformSelector.Select(index, ImagePlatform.Parse(wanted), "test"));
    }

    [Fact]
    public void Selector_PassesOverAttestationsAndUnknownPlatforms()
    {
        var attestation = Entry(0, "amd64") with { Annotations = System.Collections.Immutable.ImmutableDictionary<string, string>.Empty.Add("vnd.docker.reference.type", "attestation-manifest") };
        var unknown = Entry(1, "unknown");
        var other = Entry(2, "amd64") with { MediaType = "application/example" };
        var image = Entry(3, "amd64");
        Assert.Same(image, PlatformSelector.Select(Index(attestation, unknown, other, image), ImagePlatform.Parse("linux/amd64"), "test"));
    }

    [Fact]
    public void Selector_RefusesAnotherArchitecture_AndListsWhatThereIs()
    {
        var refused = Assert.Throws<ImageException>(() => PlatformSelector.Select(Index(Entry(0, "arm64"), Entry(1, "arm", "v7")), ImagePlatform.Parse("linux/amd64"), "docker.io/a:1"));
        Assert.Contains("linux/arm64, linux/arm/v7", refused.Message, StringComparison.Ordinal);
        Assert.Contains("docker.io/a:1", refused.Message, StringComparison.Ordinal);
        Assert.Throws<ImageException>(() => PlatformSelector.Select(Index(), ImagePlatform.Current, "test"));
    }

    [Fact]
    public void Selector_TakesTheOneEntryWithoutPlatform_ButNotOneOfSeveral()
    {
        var open = Entry(0, "amd64") with { Platform = null };
        Assert.Same(open, PlatformSelector.Select(Index(open, Entry(1, "arm64")), ImagePlatform.Parse("linux/amd64"), "test"));
        Assert.Throws<ImageException>(() => PlatformSelector.Select(Index(open, open), ImagePlatform.Parse("linux/amd64"), "test"));
    }

    [Fact]
    public void Image_WhoseConfigurationSaysAnotherArchitecture_IsRefused()
    {
        var configuration = new ImageConfiguration { Os = "linux", Architecture = "arm64", Rootfs = new LayerIdentities { DiffIds = [] } };
        PlatformSelector.Require(configuration, ImagePlatform.Parse("linux/arm64"), "test");
        Assert.Throws<ImageException>(() => PlatformSelector.Require(configuration, ImagePlatform.Parse("linux/amd64"), "test"));
        Assert.Throws<ImageException>(() => PlatformSelector.Require(configuration with { Os = null }, ImagePlatform.Parse("linux/arm64"), "test"));
    }

    private static ImageIndex Index(params Descriptor[] entries) => new() { Manifests = [.. entries] };

    private static Descriptor Entry(int number, params string[] platform) => new()
    {
        MediaType = MediaTypes.Manifest,
        Digest = Digest.Of([(byte)number]).ToString(),
        Size = 1,
        Platform = new Platform { Os = "linux", Architecture = platform[0], Variant = platform.ElementAtOrDefault(1) },
    };
}
