using Containers.Store;

namespace Containers;

/// <summary>What was removed from the store.</summary>
public sealed record ImagePruneResult
{
    /// <summary>Names that mean nothing any more.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Digests of images that are gone.</summary>
    public IReadOnlyList<string> Images { get; init; } = [];

    /// <summary>Bytes that are free again.</summary>
    public long Bytes { get; init; }

    internal static ImagePruneResult Of(PruneResult result) => new()
    {
        Names = [.. result.Images.SelectMany(static image => image.Names)],
        Images = [.. result.Images.Select(static image => image.Digest.ToString())],
        Bytes = result.Bytes,
    };
}
