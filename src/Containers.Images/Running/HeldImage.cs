using System.Collections.Immutable;
using Containers.Layers;
using Containers.Oci;
using Containers.Store;

namespace Containers.Running;

/// <summary>An image whose layers are unpacked, and which is not collected as long as this is not disposed.</summary>
/// <param name="Name">As it was asked for.</param>
/// <param name="Document">Its manifest.</param>
/// <param name="Configuration">Its configuration.</param>
/// <param name="LayerDirectory">What all layers of the store are in.</param>
/// <param name="Layers">The names of its layers there, top first.</param>
/// <param name="Hold">Keeps it.</param>
/// <param name="Subordinate">Opens files of its layers that are closed to the user; null where none is.</param>
internal sealed record HeldImage(
    string Name, ManifestDocument Document, ImageConfiguration Configuration, string LayerDirectory, ImmutableArray<string> Layers, Hold Hold, SubordinateFiles? Subordinate) : IAsyncDisposable
{
    public ImageManifest Manifest => Document.Manifest!;

    /// <summary>The directories of its layers, top first.</summary>
    public IReadOnlyList<string> LayerPaths => [.. Layers.Select(layer => Path.Combine(LayerDirectory, layer))];

    /// <summary>What a container would find in them.</summary>
    public LayeredFiles Files => new(LayerPaths, Subordinate);

    public ValueTask DisposeAsync() => Hold.DisposeAsync();
}
