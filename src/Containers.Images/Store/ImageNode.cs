using Containers.Oci;

namespace Containers.Store;

/// <summary>A manifest or an index of the store, and what it refers to.</summary>
internal sealed record ImageNode(ManifestDocument Document, IReadOnlyList<LayerIdentity> Layers)
{
    public Digest Digest => Document.Digest;

    /// <summary>The manifests of an index; often only one of them is in the store.</summary>
    public IEnumerable<Digest> Manifests => Document.Index?.Manifests.Select(static entry => entry.Id) ?? [];

    /// <summary>The blobs that a manifest needs, its configuration first.</summary>
    public IEnumerable<Descriptor> Blobs => Document.Manifest is { } manifest ? manifest.Layers.Prepend(manifest.Config) : [];
}
