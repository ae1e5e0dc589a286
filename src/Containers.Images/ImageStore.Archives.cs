using Containers.Archives;
using Containers.Oci;
using Containers.Pulling;
using Containers.References;
using Containers.Store;

namespace Containers;

// Images in files.
public sealed partial class ImageStore
{
    /// <summary>Writes images to one file, or one directory, which other engines read. The same images give the same bytes.</summary>
    /// <param name="references">The images, under the names they are to have there.</param>
    /// <param name="path">The file, which is replaced, or the directory of an OCI layout, which must not be there.</param>
    /// <param name="format">What is written.</param>
    /// <param name="cancellationToken">Gives it up; then there is no file.</param>
    /// <exception cref="FormatException">One of them is no reference.</exception>
    /// <exception cref="ImageException">An image is not in the store as a whole, or the file cannot be written.</exception>
    public async Task SaveAsync(
        IReadOnlyCollection<string> references, string path, ImageArchiveFormat format = ImageArchiveFormat.OciArchive, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var hold = Store.Hold();
        await using (hold.ConfigureAwait(false))
        {
            var members = await MembersAsync(references, format, hold, cancellationToken).ConfigureAwait(false);
            await (format == ImageArchiveFormat.OciLayout
                ? ArchiveWriter.WriteDirectoryAsync(path, members, cancellationToken)
                : ArchiveWriter.WriteTarAsync(path, members, cancellationToken)).ConfigureAwait(false);
        }
    }

    /// <summary>Writes images as one archive to a stream, which stays open.</summary>
    /// <param name="references">The images, under the names they are to have there.</param>
    /// <param name="stream">Where to write.</param>
    /// <param name="format">What is written; a layout is a directory and cannot be.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="ArgumentException"><paramref name="format"/> is no archive.</exception>
    /// <exception cref="FormatException">One of them is no reference.</exception>
    /// <exception cref="ImageException">An image is not in the store as a whole.</exception>
    public async Task SaveAsync(
        IReadOnlyCollection<string> references, Stream stream, ImageArchiveFormat format = ImageArchiveFormat.OciArchive, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (format == ImageArchiveFormat.OciLayout)
        {
            throw new ArgumentException("A layout is a directory: name one, or choose an archive.", nameof(format));
        }

        var hold = Store.Hold();
        await using (hold.ConfigureAwait(false))
        {
            await ArchiveWriter.WriteTarAsync(stream, await MembersAsync(references, format, hold, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Brings the images of an OCI layout, an oci-archive or a docker-archive into the store, compressed or not.</summary>
    /// <param name="path">The file or directory.</param>
    /// <param name="useNames">
    /// Give the images the names they have there. They are whatever its author wrote, also names of images you have: only for archives you
    /// trust. Otherwise give names with <see cref="TagAsync"/>.
    /// </param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="ImageException">It is no such archive, or something in it is not what it should be.</exception>
    public async Task<IReadOnlyList<LoadedImage>> LoadAsync(string path, bool useNames = false, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var hold = Store.Hold();
        await using (hold.ConfigureAwait(false))
        {
            return await TakeAsync(await ArchiveImporter.ImportAsync(Store, hold, path, cancellationToken).ConfigureAwait(false), useNames, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Brings the images of an archive that comes as a stream into the store.</summary>
    /// <param name="stream">The archive, read once from where it is.</param>
    /// <param name="useNames">Give the images the names they have there: only for archives you trust.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="ImageException">It is no such archive, or something in it is not what it should be.</exception>
    public async Task<IReadOnlyList<LoadedImage>> LoadAsync(Stream stream, bool useNames = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var hold = Store.Hold();
        await using (hold.ConfigureAwait(false))
        {
            return await TakeAsync(
                await ArchiveImporter.ImportAsync(Store, hold, stream, "the stream", cancellationToken).ConfigureAwait(false), useNames, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<SortedDictionary<string, ArchiveMember>> MembersAsync(
        IReadOnlyCollection<string> references, ImageArchiveFormat format, Hold hold, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfZero(references?.Count ?? throw new ArgumentNullException(nameof(references)), nameof(references));
        var images = new List<ArchivedImage>();
        foreach (var reference in references.Select(ImageReference.Parse))
        {
            var target = TargetOf(reference) ?? throw NotStored("save the image", reference, "Pull it first.");
            await hold.AddAsync(target.Id, cancellationToken).ConfigureAwait(false);
            var document = await Store.Images.ReadAsync(target.Id, null, cancellationToken).ConfigureAwait(false);
            images.Add(new ArchivedImage(DigestIn(reference) is null ? [reference.ToString()] : [], document.Descriptor));
        }

        return await (format == ImageArchiveFormat.DockerArchive
            ? new DockerArchiveBuilder(Store).BuildAsync(Merge(images), cancellationToken)
            : new OciLayoutBuilder(Store).BuildAsync(Merge(images), cancellationToken)).ConfigureAwait(false);

        static IEnumerable<ArchivedImage> Merge(IEnumerable<ArchivedImage> images) => images
            .GroupBy(static image => image.Target.Id)
            .Select(static group => new ArchivedImage([.. group.SelectMany(static image => image.Names)], group.First().Target));
    }

    private async Task<IReadOnlyList<LoadedImage>> TakeAsync(IReadOnlyList<ArchivedImage> images, bool useNames, CancellationToken cancellationToken)
    {
        var loaded = new List<LoadedImage>();
        foreach (var image in images)
        {
            // A layout may call an image by its tag alone, which is no name.
            var names = image.Names.Where(static name => name.Contains(':', StringComparison.Ordinal) && ImageReference.TryParse(name, out var parsed)
                && parsed is { Transport: ImageTransport.Registry, Digest: null }).Select(static name => ImageReference.Parse(name).ToString()).ToList();
            foreach (var name in useNames ? names : [])
            {
                await Store.Tags.SetAsync(name, image.Target, cancellationToken).ConfigureAwait(false);
            }

            loaded.Add(new LoadedImage(image.Target.Digest, image.Names));
        }

        return loaded;
    }

    /// <summary>The image of a local source; its layers are unpacked by who asked.</summary>
    private async Task<InstalledImage> ImportAsync(
        ImageReference reference, ImagePlatform platform, Hold hold, TransferProgress progress, CancellationToken cancellationToken)
    {
        var images = await ArchiveImporter.ImportAsync(Store, hold, reference.Path!, cancellationToken).ConfigureAwait(false);
        var chosen = reference.Tag is null ? images : [.. images.Where(image => image.Names.Any(name => IsMeant(name, reference.Tag)))];
        if (chosen.Select(static image => image.Target.Id).Distinct().Count() != 1)
        {
            var names = string.Join(", ", images.SelectMany(static image => image.Names));
            throw new ImageException("find the image in", reference.ToString(), chosen.Count == 0
                ? $"It has none of that name; there are: {names}."
                : $"It has several, and the reference must name one: {names}.");
        }

        var document = await Store.Images.ReadAsync(chosen[0].Target.Id, null, cancellationToken).ConfigureAwait(false);
        var target = document.Descriptor;
        for (var depth = 0; document.Index is { } index && depth < DocumentLimits.MaxIndexDepth; depth++)
        {
            var entry = PlatformSelector.Select(index, platform, reference.ToString());
            document = await Store.Images.ReadAsync(entry.Id, entry, cancellationToken).ConfigureAwait(false);
        }

        ManifestReader.RequireImage(document.Manifest!, reference.ToString());
        var configuration = await Store.Images.ReadConfigurationAsync(document.Manifest!, cancellationToken).ConfigureAwait(false);
        PlatformSelector.Require(configuration, platform, reference.ToString());
        var image = Remember(new InstalledImage(reference.ToString(), target, document, configuration), platform);
        await InstallAsync(hold, image, null, progress, cancellationToken).ConfigureAwait(false);
        return image;
    }

    /// <summary>A tag alone, or the whole name.</summary>
    private static bool IsMeant(string name, string tag) =>
        name == tag || name.EndsWith(":" + tag, StringComparison.Ordinal)
        || (ImageReference.TryParse(name, out var left) && ImageReference.TryParse(tag, out var right) && left == right);
}
