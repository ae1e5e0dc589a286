using Containers.Interop;
using Containers.Tar;

namespace Containers.Layers;

/// <summary>
/// Makes an archive of a tree: a layer of an overlay's upper directory, or a flat one of a whole root. The same tree gives the same bytes.
/// The tree is reached by its descriptor alone, and who fills it may go on: nothing is followed, and no file is longer than it was found.
/// </summary>
internal sealed class LayerPacker(PackOptions options)
{
    /// <summary>Packs the tree below a directory.</summary>
    /// <param name="tree">Opened for reading.</param>
    /// <param name="target">Where the uncompressed archive goes; not disposed.</param>
    /// <param name="cancellationToken">Stops in the middle.</param>
    /// <exception cref="ImageException">Something in it cannot be read, or not be said in a layer.</exception>
    public Task<PackedTree> PackAsync(FileDescriptor tree, Stream target, CancellationToken cancellationToken) =>
        PackAsync([new PackedLayer(tree, options.Owners)], target, cancellationToken);

    /// <summary>Packs what an overlay of directories would show.</summary>
    /// <param name="layers">The directories, opened for reading, top first.</param>
    /// <param name="target">Where the uncompressed archive goes; not disposed.</param>
    /// <param name="cancellationToken">Stops in the middle.</param>
    /// <exception cref="ImageException">Something in it cannot be read, or not be said in a layer.</exception>
    public Task<PackedTree> PackAsync(IReadOnlyList<PackedLayer> layers, Stream target, CancellationToken cancellationToken) =>
        DedicatedThread.RunAsync(() =>
        {
            using var writer = new TarWriter(target);
            var entries = new PackedEntries(options, writer, cancellationToken);
            var walk = new PackWalk(options, entries, layers.Count > 1, cancellationToken);
            walk.Pack(layers, [], 0);
            DedicatedThread.Wait(writer.CompleteAsync(cancellationToken));
            return new PackedTree
            {
                Size = writer.Length,
                Entries = entries.Count,
                SkippedSockets = walk.Sockets,
                ChangedFiles = walk.Changed,
            };
        });
}
