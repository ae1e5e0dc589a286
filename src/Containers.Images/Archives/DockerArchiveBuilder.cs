using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Containers.Compression;
using Containers.Layers;
using Containers.Oci;
using Containers.Store;

namespace Containers.Archives;

/// <summary>Makes the members of an archive as <c>docker load</c> reads it: configurations, uncompressed layers, and manifest.json.</summary>
internal sealed class DockerArchiveBuilder(ContentStore store)
{
    private const string Step = "save the image";
    private readonly SortedDictionary<string, ArchiveMember> _members = new(StringComparer.Ordinal);

    /// <exception cref="ImageException">
    /// A blob of an image is not in the store, a layer is not what the image says, or an image has several platforms there.
    /// </exception>
    public async Task<SortedDictionary<string, ArchiveMember>> BuildAsync(IEnumerable<ArchivedImage> images, CancellationToken cancellationToken)
    {
        var entries = ImmutableArray.CreateBuilder<DockerArchiveImage>();
        foreach (var image in images)
        {
            entries.Add(await AddAsync(image, cancellationToken).ConfigureAwait(false));
        }

        _members[DockerArchiveReader.ManifestName] = ArchiveMember.Of(
            JsonSerializer.SerializeToUtf8Bytes(entries.DrainToImmutable(), DockerArchiveJson.Default.ImmutableArrayDockerArchiveImage));
        return _members;
    }

    private async ValueTask<DockerArchiveImage> AddAsync(ArchivedImage image, CancellationToken cancellationToken)
    {
        var document = await store.Images.ReadAsync(image.Target.Id, image.Target, cancellationToken).ConfigureAwait(false);
        if (document.Index is { } index)
        {
            // This format has no place for several platforms.
            var present = index.Manifests.Where(entry => MediaTypes.IsManifest(entry.MediaType) && store.Blobs.Contains(entry.Id)).ToList();
            document = present.Count == 1
                ? await store.Images.ReadAsync(present[0].Id, present[0], cancellationToken).ConfigureAwait(false)
                : throw new ImageException(Step, image.Target.Digest, $"It has {present.Count} platforms in the store, and a docker-archive holds one: name it, or save an oci-archive.");
        }

        var manifest = document.Manifest!;
        ManifestReader.RequireImage(manifest, document.Digest.ToString());
        var configuration = await store.Images.ReadConfigurationAsync(manifest, cancellationToken).ConfigureAwait(false);
        var config = manifest.Config.Id.Hex + ".json";
        _members[config] = ArchiveMember.Of(store.Blobs, manifest.Config);
        var layers = ImmutableArray.CreateBuilder<string>();
        foreach (var (layer, identity) in manifest.Layers.Zip(configuration.Rootfs.DiffIds.Select(Digest.Parse)))
        {
            var name = identity.Hex + ".tar";
            layers.Add(name);
            if (!_members.ContainsKey(name))
            {
                _members[name] = await MeasureAsync(layer, identity, cancellationToken).ConfigureAwait(false);
            }
        }

        return new DockerArchiveImage { Config = config, RepoTags = image.Names, Layers = layers.DrainToImmutable() };
    }

    /// <summary>A tar says a member's size before its content: a compressed layer is unpacked twice, once to know that.</summary>
    private async ValueTask<ArchiveMember> MeasureAsync(Descriptor layer, Digest identity, CancellationToken cancellationToken)
    {
        if (store.Blobs.Size(layer.Id) != layer.Size)
        {
            throw new ImageException(Step, layer.Digest, "It is not in the store as a whole: pull the image again.");
        }

        if (LayerCompressions.Of(layer.MediaType) == LayerCompression.None)
        {
            return layer.Id == identity
                ? ArchiveMember.Of(store.Blobs, layer)
                : throw new ImageException(Step, layer.Digest, $"The image says that it is {identity}.");
        }

        using var hash = IncrementalHash.CreateHash(identity.Algorithm == Digest.Sha512 ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);
        var size = 0L;
        var buffer = new byte[128 * 1024];
        var content = await OpenAsync(cancellationToken).ConfigureAwait(false);
        await using (content.ConfigureAwait(false))
        {
            int count;
            while ((count = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                hash.AppendData(buffer, 0, count);
                size += count;
            }
        }

        var actual = identity.Algorithm == Digest.Sha512 ? Digest.FromSha512(hash.GetCurrentHash()) : Digest.FromSha256(hash.GetCurrentHash());
        return actual == identity
            ? new ArchiveMember(size, OpenAsync)
            : throw new ImageException(Step, layer.Digest, $"Unpacked it is {actual}, where the image says {identity}.");

        ValueTask<Stream> OpenAsync(CancellationToken token) =>
            LayerCompressions.OpenAsync(store.Blobs.OpenRead(layer.Id), layer.MediaType, LayerLimits.Default, token);
    }
}
