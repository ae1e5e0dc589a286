using System.Collections.Immutable;
using System.Text.Json;
using Containers.Compression;
using Containers.Oci;
using Containers.Store;

namespace Containers.Archives;

/// <summary>
/// Reads what <c>docker save</c>, podman and skopeo write (Docker's image specification 1.2). It has no manifests: one is made of each
/// image's configuration and layers, the same from the same archive.
/// </summary>
internal sealed class DockerArchiveReader(ArchiveSource source, ContentStore store, Hold hold)
{
    public const string ManifestName = "manifest.json";
    private const string Step = "read the archive";

    /// <summary>The layers read, by member.</summary>
    private readonly Dictionary<string, Descriptor> _layers = new(StringComparer.Ordinal);

    public async Task<IReadOnlyList<ArchivedImage>> ImportAsync(CancellationToken cancellationToken)
    {
        var entries = Parse(await source.RequireDocumentAsync(ManifestName, cancellationToken).ConfigureAwait(false));
        var configurations = new List<(byte[] Content, ImageConfiguration Parsed)>();
        var members = new Dictionary<string, MemberReader>(StringComparer.Ordinal);
        var identities = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            var content = await source.RequireDocumentAsync(entry.Config, cancellationToken).ConfigureAwait(false);
            var configuration = ConfigurationReader.Read(content, $"{source.Name}: {entry.Config}");
            if (configuration.Rootfs.DiffIds.Length != entry.Layers.Length)
            {
                throw new ImageException(Step, source.Name, $"It has {entry.Layers.Length} layers of an image that describes {configuration.Rootfs.DiffIds.Length}.");
            }

            configurations.Add((content, configuration));
            foreach (var (member, identity) in entry.Layers.Zip(configuration.Rootfs.DiffIds))
            {
                if (!identities.TryAdd(member, identity) && identities[member] != identity)
                {
                    throw new ImageException(Step, source.Name, $"\"{member}\" is said to be {identities[member]}, and {identity} too.");
                }

                members[member] = (stream, size, token) => StoreLayerAsync(member, Digest.Parse(identity), stream, size, token);
            }
        }

        await source.ReadAsync(members, cancellationToken).ConfigureAwait(false);
        var images = new List<ArchivedImage>();
        foreach (var (entry, (content, _)) in entries.Zip(configurations))
        {
            var target = await StoreManifestAsync(entry, content, cancellationToken).ConfigureAwait(false);
            images.Add(new ArchivedImage(entry.RepoTags ?? [], target));
        }

        return images;
    }

    private ImmutableArray<DockerArchiveImage> Parse(byte[] content)
    {
        try
        {
            var entries = JsonSerializer.Deserialize(content, DockerArchiveJson.Default.ImmutableArrayDockerArchiveImage);
            if (entries.IsDefault || entries.Any(static entry => entry?.Config is null || entry.Layers.IsDefault || entry.Layers.Contains(null!)
                || entry.RepoTags?.Contains(null!) == true || entry.Layers.Length > DocumentLimits.MaxLayers))
            {
                throw new ImageException(Step, source.Name, $"\"{ManifestName}\" lacks the configuration or the layers of an image.");
            }

            return entries;
        }
        catch (JsonException exception)
        {
            throw new ImageException(Step, source.Name, $"\"{ManifestName}\": {exception.Message}", exception);
        }
    }

    /// <summary>An uncompressed layer must be what the configuration says; of a compressed one that shows when it is unpacked.</summary>
    private async ValueTask StoreLayerAsync(string member, Digest identity, Stream content, long size, CancellationToken cancellationToken)
    {
        var magic = new byte[LayerCompressions.MagicLength];
        var count = await content.ReadAtLeastAsync(magic, magic.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        var compression = LayerCompressions.Detect(magic.AsSpan(0, count));
        Digest? expected = compression == LayerCompression.None ? identity : null;
        if (expected is not null)
        {
            await hold.AddAsync(identity, cancellationToken).ConfigureAwait(false);
        }

        var digest = identity;
        if (expected is null || store.Blobs.Size(identity) != size)
        {
            var writer = store.Blobs.Create(hold, expected, size);
            await using (writer.ConfigureAwait(false))
            {
                await writer.WriteAsync(magic.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
                await writer.CopyFromAsync(content, cancellationToken).ConfigureAwait(false);
                digest = await writer.CommitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        _layers[member] = new Descriptor { MediaType = MediaTypeOf(compression), Digest = digest.ToString(), Size = size };
    }

    private static string MediaTypeOf(LayerCompression compression) => compression switch
    {
        LayerCompression.Gzip => MediaTypes.LayerGzip,
        LayerCompression.Zstd => MediaTypes.LayerZstd,
        _ => MediaTypes.Layer,
    };

    private async ValueTask<Descriptor> StoreManifestAsync(DockerArchiveImage entry, byte[] configuration, CancellationToken cancellationToken)
    {
        var digest = await store.Blobs.WriteAsync(hold, configuration, cancellationToken).ConfigureAwait(false);
        var manifest = new ImageManifest
        {
            MediaType = MediaTypes.Manifest,
            Config = new Descriptor { MediaType = MediaTypes.Configuration, Digest = digest.ToString(), Size = configuration.Length },
            Layers = [.. entry.Layers.Select(member => _layers[member])],
        };
        var bytes = JsonSerializer.SerializeToUtf8Bytes(manifest, OciJson.Default.ImageManifest);
        digest = await store.Blobs.WriteAsync(hold, bytes, cancellationToken).ConfigureAwait(false);
        return new Descriptor { MediaType = MediaTypes.Manifest, Digest = digest.ToString(), Size = bytes.Length };
    }
}
