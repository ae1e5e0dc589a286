using Containers.Oci;
using Containers.Registries;

namespace Containers.Pulling;

/// <summary>The repository of one image in its registry.</summary>
internal sealed class RegistryOrigin(RegistryClient client, ImageReference reference) : ILayerOrigin
{
    /// <summary>What the name means now; null where it means nothing.</summary>
    public Task<Digest?> FindDigestAsync(CancellationToken cancellationToken) => client.ResolveAsync(reference, cancellationToken);

    /// <summary>What the name means, or a manifest that an index names.</summary>
    public Task<ManifestDocument> GetManifestAsync(Descriptor? descriptor, CancellationToken cancellationToken) => descriptor is null
        ? client.GetManifestAsync(reference, cancellationToken)
        : client.GetManifestAsync(reference, descriptor, cancellationToken);

    /// <summary>A configuration.</summary>
    public Task<byte[]> GetDocumentAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        client.GetBlobAsync(reference, descriptor, cancellationToken: cancellationToken);

    public Stream Open(Descriptor layer, long offset) => client.OpenBlob(reference, layer, offset);
}
