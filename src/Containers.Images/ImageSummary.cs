namespace Containers;

/// <summary>An image in the store, in one line.</summary>
public sealed record ImageSummary
{
    /// <summary>The digest of its manifest, or of its index where it has several platforms: by it alone an image of the store can be named.</summary>
    public required string Digest { get; init; }

    /// <summary>Its names; none where it is dangling.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Bytes on the disk of all it needs, packed and unpacked.</summary>
    public required long Size { get; init; }

    /// <summary>Of these, bytes that other images need too.</summary>
    public required long SharedSize { get; init; }

    /// <summary>When it was pulled, or a container was last made of it.</summary>
    public required DateTimeOffset LastUsed { get; init; }

    /// <summary>A container or a pull uses it.</summary>
    public required bool IsInUse { get; init; }
}

/// <summary>What a store takes on the disk, in bytes.</summary>
public sealed record ImageStoreUsage
{
    /// <summary>Content as it was pulled.</summary>
    public required long BlobBytes { get; init; }

    /// <summary>Unpacked layers.</summary>
    public required long LayerBytes { get; init; }

    /// <summary>What removing every image that nobody uses would free.</summary>
    public required long ReclaimableBytes { get; init; }

    /// <summary>Each image; what several share counts for each.</summary>
    public required IReadOnlyList<ImageSummary> Images { get; init; }
}
