using System.Collections.Immutable;
using Containers.Oci;

namespace Containers.Store;

/// <summary>What a store takes on the disk, in bytes.</summary>
/// <param name="Blobs">Content as it was pulled.</param>
/// <param name="Layers">Unpacked layers.</param>
/// <param name="Reclaimable">What removing all images that no living process uses would free.</param>
/// <param name="Images">Each image; a layer of several counts for each.</param>
internal sealed record StoreUsage(long Blobs, long Layers, long Reclaimable, ImmutableArray<ImageUsage> Images)
{
    public static StoreUsage Of(StoreSnapshot snapshot, BlobStore blobs)
    {
        var sets = snapshot.Images.ToDictionary(static image => image, image => snapshot.Reach([image]));
        var blobCounts = sets.Values.SelectMany(static set => set.Blobs).CountBy(static digest => digest).ToDictionary();
        var layerCounts = sets.Values.SelectMany(static set => set.Layers).CountBy(static name => name).ToDictionary(StringComparer.Ordinal);
        var images = sets.Select(pair =>
        {
            var own = new StoreSet(
                pair.Value.Blobs.Where(digest => blobCounts[digest] == 1).ToHashSet(),
                pair.Value.Layers.Where(name => layerCounts[name] == 1).ToHashSet(StringComparer.Ordinal));
            return new ImageUsage(
                snapshot.Nodes[pair.Key].Document.Descriptor,
                [.. snapshot.Names[pair.Key]],
                snapshot.SizeOf(pair.Value),
                snapshot.SizeOf(own),
                snapshot.LastUsed(blobs, pair.Key),
                snapshot.IsHeld(pair.Key),
                snapshot.IsWhole(pair.Key));
        }).ToImmutableArray();
        var total = snapshot.Blobs.Values.Sum() + snapshot.Layers.Values.Sum();
        var used = snapshot.Reach(images.Where(static image => image.IsInUse).Select(static image => image.Target.Id).Concat(snapshot.Held));
        return new StoreUsage(snapshot.Blobs.Values.Sum(), snapshot.Layers.Values.Sum(), total - snapshot.SizeOf(used), images);
    }
}

/// <summary>What one image takes.</summary>
/// <param name="Target">Its manifest or index.</param>
/// <param name="Names">Its names; none where it is dangling.</param>
/// <param name="Size">Bytes of all it needs.</param>
/// <param name="Unique">Bytes that no other image needs.</param>
/// <param name="LastUsed">When it was pulled or last used.</param>
/// <param name="IsInUse">A living process holds it.</param>
/// <param name="IsWhole">Nothing of it is missing.</param>
internal sealed record ImageUsage(
    Descriptor Target, ImmutableArray<string> Names, long Size, long Unique, DateTimeOffset LastUsed, bool IsInUse, bool IsWhole)
{
    public long Shared => Size - Unique;
}
