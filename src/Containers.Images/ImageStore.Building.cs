using System.Text.Json;
using Containers.Archives;
using Containers.Committing;
using Containers.Compression;
using Containers.Layers;
using Containers.Oci;
using Containers.Pulling;
using Containers.Store;

namespace Containers;

// Images that are made here.
public sealed partial class ImageStore
{
    private static readonly ImageConfiguration Nothing = new()
    {
        Architecture = ImagePlatform.Current.Architecture,
        Os = ImagePlatform.Current.OperatingSystem,
        Variant = ImagePlatform.Current.Variant,
        Rootfs = new LayerIdentities { DiffIds = [] },
    };

    /// <summary>Makes an image of one layer from a tar of a whole root, as <c>docker import</c> does; compressed by gzip or zstd, or not.</summary>
    /// <param name="root">The tar; read to its end, and left open.</param>
    /// <param name="name">What to call the image, with a tag (<c>latest</c> where it has none).</param>
    /// <param name="options">What it says of its containers; null: nothing.</param>
    /// <param name="cancellationToken">Gives it up; then there is no image.</param>
    /// <exception cref="FormatException"><paramref name="name"/> is no reference.</exception>
    /// <exception cref="ArgumentException">What it is to say of its containers cannot be right.</exception>
    /// <exception cref="ImageException">It is no tar, or one that cannot be a root.</exception>
    public async Task<ImageInfo> ImportAsync(Stream root, string name, CommitOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(root);
        var tag = RequireTag(name, nameof(name));
        options ??= new CommitOptions();
        var hold = Store.Hold();
        await using (hold.ConfigureAwait(false))
        {
            var (layer, diffId) = await new LayerBuilder(Store, hold, options.Compression).BuildAsync(
                async (target, token) =>
                {
                    var content = await LayerCompressions.OpenAsync(new BorrowedStream(root), null, LayerLimits.Default, token).ConfigureAwait(false);
                    await using (content.ConfigureAwait(false))
                    {
                        await content.CopyToAsync(target, token).ConfigureAwait(false);
                    }
                },
                cancellationToken).ConfigureAwait(false);
            return await PublishAsync(tag, Nothing, [], (layer, diffId), options, hold, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Makes an image of a container's image and what the container wrote.</summary>
    internal async Task<ImageInfo> CommitAsync(WrittenFiles written, string name, CommitOptions options, CancellationToken cancellationToken)
    {
        var tag = RequireTag(name, nameof(name));
        var hold = Store.Hold();
        await using (hold.ConfigureAwait(false))
        {
            await hold.AddAsync(written.Image.Document.Digest, cancellationToken).ConfigureAwait(false);
            PackedTree? packed = null;
            var layer = await new LayerBuilder(Store, hold, options.Compression).BuildAsync(
                async (target, token) => packed = await new LayerPacker(written.PackOptions).PackAsync(written.Upper, target, token).ConfigureAwait(false),
                cancellationToken).ConfigureAwait(false);
            return await PublishAsync(
                tag, written.Image.Configuration, written.Image.Manifest.Layers, packed!.Entries == 0 ? null : layer, options, hold, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Stores the documents of a new image, unpacks it, and gives it its name.</summary>
    private async Task<ImageInfo> PublishAsync(
        ImageReference tag, ImageConfiguration below, IEnumerable<Descriptor> layers, (Descriptor Layer, Digest DiffId)? added, CommitOptions options, Hold hold, CancellationToken cancellationToken)
    {
        var configuration = ConfigurationChanges.Apply(below, options, added?.DiffId);
        var content = JsonSerializer.SerializeToUtf8Bytes(configuration, OciJson.Default.ImageConfiguration);
        var config = await Store.Blobs.WriteAsync(hold, content, cancellationToken).ConfigureAwait(false);
        var manifest = new ImageManifest
        {
            MediaType = MediaTypes.Manifest,
            Config = new Descriptor { MediaType = MediaTypes.Configuration, Digest = config.ToString(), Size = content.Length },
            Layers = [.. layers.Select(AsOci), .. added is { } one ? [one.Layer] : Array.Empty<Descriptor>()],
        };
        content = JsonSerializer.SerializeToUtf8Bytes(manifest, OciJson.Default.ImageManifest);
        var digest = await Store.Blobs.WriteAsync(hold, content, cancellationToken).ConfigureAwait(false);
        var document = ManifestReader.Read(content, tag.Familiar);
        var image = Remember(new InstalledImage(tag.Familiar, document.Descriptor, document, configuration), ImagePlatform.Current);
        await InstallAsync(hold, image, null, new TransferProgress(null), cancellationToken).ConfigureAwait(false);
        await Store.Tags.SetAsync(tag.ToString(), document.Descriptor, cancellationToken).ConfigureAwait(false);
        _logger.Committed(tag, digest);
        return Describe(image);
    }

    /// <summary>The same bytes by their OCI name: a manifest is of one family.</summary>
    private static Descriptor AsOci(Descriptor layer) => layer with
    {
        MediaType = layer.MediaType switch
        {
            MediaTypes.DockerLayer => MediaTypes.Layer,
            MediaTypes.DockerLayerGzip => MediaTypes.LayerGzip,
            var type => type,
        },
    };
}
