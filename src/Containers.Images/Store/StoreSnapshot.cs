using Containers.Oci;

namespace Containers.Store;

/// <summary>What is in a store at one moment, and what refers to what.</summary>
internal sealed class StoreSnapshot
{
    private ILookup<string, string>? _byBase;

    public required IReadOnlyDictionary<Digest, long> Blobs { get; init; }

    /// <summary>Unpacked layers by name, with their sizes.</summary>
    public required IReadOnlyDictionary<string, long> Layers { get; init; }

    public required IReadOnlyDictionary<Digest, ImageNode> Nodes { get; init; }

    public required ILookup<Digest, string> Names { get; init; }

    /// <summary>What living processes hold.</summary>
    public required IReadOnlySet<Digest> Held { get; init; }

    /// <summary>Images as people see them: what has a name, and what no index in the store refers to.</summary>
    public IReadOnlyList<Digest> Images { get; private set; } = [];

    public static async Task<StoreSnapshot> TakeAsync(StoreLayout layout, ContentStore store, CancellationToken cancellationToken)
    {
        // What is held is read before the names: a pull gives its image a name first, and then lets go of it.
        var held = StoreSession.Held(layout);
        var names = store.Tags.List().ToLookup(static tag => tag.Value.Id, static tag => tag.Key);
        var snapshot = new StoreSnapshot
        {
            Held = held,
            Names = names,
            Nodes = await store.Images.ScanAsync(cancellationToken).ConfigureAwait(false),
            Blobs = store.Blobs.List().ToDictionary(static blob => blob.Digest, static blob => blob.Size),
            Layers = store.Layers.List().ToDictionary(static name => name, store.Layers.Size, StringComparer.Ordinal),
        };
        var inner = snapshot.Nodes.Values.SelectMany(static node => node.Manifests).ToHashSet();
        snapshot.Images = [.. snapshot.Nodes.Keys.Where(digest => names.Contains(digest) || !inner.Contains(digest))];
        return snapshot;
    }

    /// <summary>Everything that these refer to, themselves with it, that is in the store.</summary>
    public StoreSet Reach(IEnumerable<Digest> roots)
    {
        var (blobs, layers) = (new HashSet<Digest>(), new HashSet<string>(StringComparer.Ordinal));
        var open = new Stack<Digest>(roots);
        while (open.TryPop(out var digest))
        {
            // An identity of a layer is a digest too, and may be held by itself.
            AddLayer(digest);
            if (!Blobs.ContainsKey(digest) || !blobs.Add(digest) || !Nodes.TryGetValue(digest, out var node))
            {
                continue;
            }

            foreach (var manifest in node.Manifests)
            {
                open.Push(manifest);
            }

            blobs.UnionWith(node.Blobs.Select(static blob => blob.Id).Where(Blobs.ContainsKey));
            foreach (var layer in node.Layers)
            {
                AddLayer(layer.DiffId);
                AddLayer(layer.ChainId);
            }
        }

        return new StoreSet(blobs, layers);

        void AddLayer(Digest identity)
        {
            layers.UnionWith(NamesOf(identity));
        }
    }

    /// <summary>The names of a layer's directories: one for each of the ids that it was unpacked with.</summary>
    public IEnumerable<string> NamesOf(Digest identity) => (_byBase ??= Layers.Keys.ToLookup(static name => LayerIdentity.BaseOf(name).ToString(), StringComparer.Ordinal))[LayerIdentity.NameOf(identity)];

    /// <summary>
    /// Whether it, or of an index one of its manifests, has its configuration and every layer, packed or not. What is being pulled, or was
    /// given up, is not.
    /// </summary>
    public bool IsWhole(Digest image) => Nodes.TryGetValue(image, out var node)
        && (node.Manifests.Any(IsWhole) || (node.Document.Manifest is not null && node.Blobs.Index().All(blob => Blobs.ContainsKey(blob.Item.Id) || IsUnpacked(node, blob.Index - 1))));

    private bool IsUnpacked(ImageNode node, int layer) => layer >= 0 && layer < node.Layers.Count
        && (NamesOf(node.Layers[layer].DiffId).Any() || NamesOf(node.Layers[layer].ChainId).Any());

    /// <summary>Bytes of content and of unpacked layers.</summary>
    public long SizeOf(StoreSet set) => set.Blobs.Sum(digest => Blobs[digest]) + set.Layers.Sum(name => Layers[name]);

    /// <summary>A container holds the manifest it runs, which may be one of several of the image.</summary>
    public bool IsHeld(Digest image) => Reach([image]).Blobs.Any(digest => Nodes.ContainsKey(digest) && Held.Contains(digest));

    public DateTimeOffset LastUsed(BlobStore blobs, Digest image) =>
        Reach([image]).Blobs.Where(Nodes.ContainsKey).Select(blobs.LastUsed).DefaultIfEmpty().Max();
}

/// <summary>A part of a store.</summary>
internal sealed record StoreSet(IReadOnlySet<Digest> Blobs, IReadOnlySet<string> Layers);
