using System.Text;
using Containers.Oci;
using Containers.Registries;
using Containers.Tests.Fixtures;

namespace Containers.Tests.Registries;

/// <summary>Against Debian's docker-registry.</summary>
[Trait("Category", "Rootless")]
public sealed class RealRegistryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Image_IsPushedAndPulled(bool withPassword)
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync(withPassword);
        using var client = Client(registry, withPassword ? new RegistryCredential(DockerRegistry.User, DockerRegistry.Password) : null);
        var reference = ImageReference.Parse($"{registry.Host}/team/app:1.0");
        var layer = Random.Shared.GetItems(Enumerable.Range(0, 256).Select(b => (byte)b).ToArray(), 3_000_000);
        var (config, manifest) = await PushAsync(client, reference, layer);

        var document = await client.GetManifestAsync(reference);
        Assert.Equal(Digest.Of(manifest), document.Digest);
        Assert.Equal(document.Digest, await client.ResolveAsync(reference));
        Assert.Equal(document.Digest, (await client.GetManifestAsync(reference.Pinned(document.Digest))).Digest);
        Assert.Equal(config, await client.GetBlobAsync(reference, document.Manifest!.Config));
        using var stream = client.OpenBlob(reference, document.Manifest.Layers[0]);
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        Assert.True(layer.AsSpan().SequenceEqual(copy.ToArray()));

        Assert.Equal(["1.0"], await client.ListTagsAsync(reference).ToArrayAsync());
        Assert.Equal(["team/app"], await client.ListRepositoriesAsync(registry.Host).ToArrayAsync());
        Assert.Empty(await client.ListReferrersAsync(reference, document.Digest));
    }

    [Fact]
    public async Task Blob_IsMountedFromAnotherRepository()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync();
        using var client = Client(registry);
        var from = ImageReference.Parse($"{registry.Host}/one:1");
        var to = ImageReference.Parse($"{registry.Host}/two:1");
        var blob = "some content"u8.ToArray();
        await client.PushBlobAsync(from, Describe(blob), () => new MemoryStream(blob));
        Assert.False(await client.HasBlobAsync(to, Digest.Of(blob)));
        await client.PushBlobAsync(to, Describe(blob), () => throw new InvalidOperationException("It was sent instead."), "one");
        Assert.True(await client.HasBlobAsync(to, Digest.Of(blob)));
        Assert.Equal(blob, await client.GetBlobAsync(to, Describe(blob)));
    }

    [Fact]
    public async Task Manifest_IsDeleted_AndThenNotFound()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync();
        using var client = Client(registry);
        var reference = ImageReference.Parse($"{registry.Host}/app:1");
        var (_, manifest) = await PushAsync(client, reference, [1, 2, 3]);
        await client.DeleteManifestAsync(reference.Pinned(Digest.Of(manifest)));
        Assert.Null(await client.ResolveAsync(reference));
        var refused = await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(reference));
        Assert.Contains("It is not there (MANIFEST_UNKNOWN", refused.Message, StringComparison.Ordinal);
        Assert.Contains("no credential", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongPassword_IsRefused_WithoutShowingIt()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync(withPassword: true);
        using var client = Client(registry, new RegistryCredential("alice", "wrong-secret-value"));
        var refused = await Assert.ThrowsAsync<ImageException>(() => client.GetManifestAsync(ImageReference.Parse($"{registry.Host}/app:1")));
        Assert.Contains("user alice from the options", refused.Message, StringComparison.Ordinal);
        Assert.Contains("docker login", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-secret-value", refused.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String("alice:wrong-secret-value"u8), refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blobs_ArePulledInParallel()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync(withPassword: true);
        using var client = Client(registry, new RegistryCredential(DockerRegistry.User, DockerRegistry.Password));
        var reference = ImageReference.Parse($"{registry.Host}/app:1");
        var blobs = Enumerable.Range(0, 16).Select(i => Encoding.UTF8.GetBytes(new string((char)('a' + i), 200_000))).ToArray();
        await Task.WhenAll(blobs.Select(blob => client.PushBlobAsync(reference, Describe(blob), () => new MemoryStream(blob))));
        var pulled = await Task.WhenAll(blobs.Select(blob => client.GetBlobAsync(reference, Describe(blob))));
        Assert.Equal(blobs, pulled);
    }

    internal static Descriptor Describe(byte[] blob, string? mediaType = null) => new() { MediaType = mediaType, Digest = Digest.Of(blob).ToString(), Size = blob.Length };

    private static async Task<(byte[] Config, byte[] Manifest)> PushAsync(RegistryClient client, ImageReference reference, byte[] layer)
    {
        var config = """{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}"""u8.ToArray();
        await client.PushBlobAsync(reference, Describe(config), () => new MemoryStream(config));
        await client.PushBlobAsync(reference, Describe(layer), () => new MemoryStream(layer));
        var manifest = Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.Manifest}}","config":{"mediaType":"{{MediaTypes.Configuration}}","digest":"{{Digest.Of(config)}}","size":{{config.Length}} },
            "layers":[{"mediaType":"{{MediaTypes.Layer}}","digest":"{{Digest.Of(layer)}}","size":{{layer.Length}} }]}
            """);
        Assert.Equal(Digest.Of(manifest), await client.PushManifestAsync(reference, manifest, MediaTypes.Manifest));
        return (config, manifest);
    }

    private static RegistryClient Client(DockerRegistry registry, RegistryCredential? credential = null) =>
        new(new RegistryOptions { CredentialProvider = new DockerCredentials([], CredentialHelper.OfThisUser()), Hosts = { [registry.Host] = new RegistryHostOptions { Credential = credential } } });
}
