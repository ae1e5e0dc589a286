using System.Collections.Immutable;
using System.IO.Compression;
using System.Text.Json;
using Containers.Oci;
using Containers.Registries;
using Containers.Tests.Tar;

namespace Containers.Tests.Pulling;

/// <summary>An image to be pulled, whose every part can be wrong.</summary>
internal sealed record PulledImage
{
    private const string Busybox = "/bin/busybox";

    public required ImmutableArray<byte[]> Blobs { get; init; }

    public required byte[] Configuration { get; init; }

    public required byte[] Manifest { get; init; }

    public Digest Digest => Digest.Of(Manifest);

    public long LayerBytes => Blobs.Sum(static blob => (long)blob.Length);

    /// <summary>Layers with one file each, whose content cannot be compressed: <c>data-SEED</c>.</summary>
    public static PulledImage Create(params IReadOnlyList<(int Seed, int Size)> layers) =>
        Of([.. layers.Select(static layer => Gzip(Tar(layer.Seed, layer.Size)))], [.. layers.Select(static layer => Digest.Of(Tar(layer.Seed, layer.Size)))]);

    /// <summary>The same upon a layer with busybox, so that it can be run.</summary>
    public static PulledImage CreateRunnable(params IReadOnlyList<(int Seed, int Size)> layers)
    {
        Assert.SkipUnless(File.Exists(Busybox), "busybox-static is not installed");
        var root = TarBytes.Archive(
            TarBytes.Member('5', "bin/", []),
            TarBytes.Member('0', "bin/busybox", File.ReadAllBytes(Busybox), change: static header => TarBytes.B("0000755\0").CopyTo(header, 100)));
        byte[][] tars = [root, .. layers.Select(static layer => Tar(layer.Seed, layer.Size))];
        return Of([.. tars.Select(Gzip)], [.. tars.Select(static tar => Digest.Of(tar))]);
    }

    public static PulledImage Of(IReadOnlyList<byte[]> blobs, IReadOnlyList<Digest> diffIds)
    {
        var configuration = JsonSerializer.SerializeToUtf8Bytes(
            new ImageConfiguration
            {
                Architecture = ImagePlatform.Current.Architecture,
                Os = ImagePlatform.Current.OperatingSystem,
                Rootfs = new LayerIdentities { DiffIds = [.. diffIds.Select(static diffId => diffId.ToString())] },
            },
            OciJson.Default.ImageConfiguration);
        var manifest = new ImageManifest
        {
            MediaType = MediaTypes.Manifest,
            Config = new Descriptor { MediaType = MediaTypes.Configuration, Digest = Digest.Of(configuration).ToString(), Size = configuration.Length },
            Layers = [.. blobs.Select(static blob => new Descriptor { MediaType = MediaTypes.LayerGzip, Digest = Digest.Of(blob).ToString(), Size = blob.Length })],
        };
        return new PulledImage
        {
            Blobs = [.. blobs],
            Configuration = configuration,
            Manifest = JsonSerializer.SerializeToUtf8Bytes(manifest, OciJson.Default.ImageManifest),
        };
    }

    public static byte[] Tar(int seed, int size)
    {
        var content = new byte[size];
        new Random(seed).NextBytes(content);
        return [.. TarBytes.Header('0', $"data-{seed}", size), .. TarBytes.Padded(content), .. new byte[1024]];
    }

    public static byte[] Gzip(byte[] content) => Gzip(content, CompressionLevel.Fastest);

    public static byte[] Gzip(byte[] content, CompressionLevel level)
    {
        var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, level))
        {
            gzip.Write(content);
        }

        return stream.ToArray();
    }

    /// <summary>Puts it into a registry, which may look at it.</summary>
    public async Task PushAsync(string reference, RegistryCredential? credential = null)
    {
        var name = ImageReference.Parse(reference);
        using var client = new RegistryClient(new RegistryOptions
        {
            CredentialProvider = new DockerCredentials([], CredentialHelper.OfThisUser()),
            Hosts = { [name.Registry] = new RegistryHostOptions { Credential = credential } },
        });
        foreach (var blob in (IEnumerable<byte[]>)[Configuration, .. Blobs])
        {
            await client.PushBlobAsync(name, new Descriptor { Digest = Digest.Of(blob).ToString(), Size = blob.Length }, () => new MemoryStream(blob));
        }

        await client.PushManifestAsync(name, Manifest, MediaTypes.Manifest);
    }
}
