using Containers.Oci;

namespace Containers.Pulling;

/// <summary>Where a layer comes from that is not in the store.</summary>
internal interface ILayerOrigin
{
    /// <summary>The layer's blob from a byte on; nothing is asked for before it is read.</summary>
    public Stream Open(Descriptor layer, long offset);
}
