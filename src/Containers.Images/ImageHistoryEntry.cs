using Containers.Pulling;

namespace Containers;

/// <summary>One step in the making of an image.</summary>
/// <param name="Created">When it was made, where that is said.</param>
/// <param name="CreatedBy">The command that made it, where that is said.</param>
/// <param name="Comment">What its maker noted.</param>
/// <param name="Layer">The digest of the layer it made, as it is transferred; null where it changed the configuration only.</param>
/// <param name="Size">Bytes of that layer as it is transferred.</param>
public sealed record ImageHistoryEntry(DateTimeOffset? Created, string? CreatedBy, string? Comment, string? Layer, long Size)
{
    internal static IReadOnlyList<ImageHistoryEntry> Of(InstalledImage image)
    {
        var layers = image.Manifest.Layers;
        var entries = new List<ImageHistoryEntry>();
        var next = 0;
        foreach (var step in image.Configuration.History ?? [])
        {
            // A history that promises more layers than there are is its author's mistake, and no reason to show nothing.
            var layer = step.EmptyLayer == true || next == layers.Length ? null : layers[next++];
            entries.Add(new ImageHistoryEntry(step.Created, step.CreatedBy, step.Comment, layer?.Digest, layer?.Size ?? 0));
        }

        for (; next < layers.Length; next++)
        {
            entries.Add(new ImageHistoryEntry(null, null, null, layers[next].Digest, layers[next].Size));
        }

        entries.Reverse();
        return entries;
    }
}
