using Containers.Store;

namespace Containers.Archives;

/// <summary>Stores the images of an archive of any kind.</summary>
internal static class ArchiveImporter
{
    /// <summary>
    /// Stores every image of a layout directory, an oci-archive or a docker-archive, compressed or not, and returns what they are and are
    /// called. Nothing is tagged. What is stored is held by <paramref name="hold"/>.
    /// </summary>
    /// <exception cref="ImageException">It is no such archive, something in it is not what it should be, or it cannot be stored.</exception>
    public static async Task<IReadOnlyList<ArchivedImage>> ImportAsync(ContentStore store, Hold hold, string path, CancellationToken cancellationToken = default)
    {
        if (Directory.Exists(path))
        {
            var directory = new DirectorySource(path);
            await using (directory.ConfigureAwait(false))
            {
                return await ImportAsync(store, hold, directory, cancellationToken).ConfigureAwait(false);
            }
        }

        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan | FileOptions.Asynchronous);
        }
        catch (Exception exception) when (StoreErrors.IsOfFiles(exception))
        {
            throw new ImageException("open the archive", path, exception.Message, exception);
        }

        await using (file.ConfigureAwait(false))
        {
            return await ImportAsync(store, hold, file, path, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The same from a stream, which may be one that can be read only once.</summary>
    public static async Task<IReadOnlyList<ArchivedImage>> ImportAsync(
        ContentStore store, Hold hold, Stream stream, string name, CancellationToken cancellationToken = default)
    {
        var source = await TarSource.OpenAsync(store, stream, name, cancellationToken).ConfigureAwait(false);
        await using (source.ConfigureAwait(false))
        {
            return await ImportAsync(store, hold, source, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Where an archive is both, as Docker 25 writes them, only its manifest.json has the full names.</summary>
    private static Task<IReadOnlyList<ArchivedImage>> ImportAsync(ContentStore store, Hold hold, ArchiveSource source, CancellationToken cancellationToken) =>
        source.Contains(DockerArchiveReader.ManifestName) ? new DockerArchiveReader(source, store, hold).ImportAsync(cancellationToken)
        : source.Contains(OciLayoutReader.MarkerName) ? new OciLayoutReader(source, store, hold).ImportAsync(cancellationToken)
        : throw new ImageException("read the archive", source.Name, $"It has neither \"{OciLayoutReader.MarkerName}\" nor \"{DockerArchiveReader.ManifestName}\": it is no archive of images.");
}
