using System.Collections.Immutable;
using Containers.Layers;
using Containers.Oci;
using Containers.Store;

namespace Containers.Pulling;

/// <summary>An image whose documents are in the store; its layers may be too.</summary>
/// <param name="Name">As it was asked for.</param>
/// <param name="Target">What the name means: the manifest, or an index that has it.</param>
/// <param name="Document">The manifest.</param>
/// <param name="Configuration">The configuration.</param>
internal sealed record InstalledImage(string Name, Descriptor Target, ManifestDocument Document, ImageConfiguration Configuration)
{
    public ImageManifest Manifest => Document.Manifest!;

    /// <summary>Of its layers, lowest first.</summary>
    public ImmutableArray<LayerIdentity> Identities { get; } = LayerIdentity.Of(Configuration.Rootfs.DiffIds.Select(Digest.Parse));

    public int PositionOf(LayerIdentity identity) => Identities.IndexOf(identity);

    /// <summary>The names of the layers' directories, top first; null where one is not there.</summary>
    public ImmutableArray<string>? FindLayers(ContentStore store)
    {
        var names = ImmutableArray.CreateBuilder<string>(Identities.Length);
        for (var i = Identities.Length - 1; i >= 0; i--)
        {
            if (store.Layers.Find(Identities[i]) is not { } name)
            {
                return null;
            }

            // A layer that occurs twice counts where it is on top; an overlay takes none twice.
            if (!names.Contains(name))
            {
                names.Add(name);
            }

            // Overlay itself takes no notice of the mark on the root of a layer.
            if (LayeredFiles.IsMarkedOpaque(Path.Combine(store.Layers.Directory, name)))
            {
                break;
            }
        }

        return names.DrainToImmutable();
    }

    /// <summary>The directories of the layers below one, top first; those being unpacked with it are where their drafts are.</summary>
    public IReadOnlyList<string> LayersBelow(LayerIdentity identity, ContentStore store, IEnumerable<LayerDraft> drafts)
    {
        var below = new List<string>();
        for (var i = PositionOf(identity) - 1; i >= 0; i--)
        {
            below.Add(drafts.FirstOrDefault(draft => draft.Identity.DiffId == Identities[i].DiffId)?.Directory
                ?? Path.Combine(store.Layers.Directory, store.Layers.Find(Identities[i])!));
        }

        return below;
    }
}
