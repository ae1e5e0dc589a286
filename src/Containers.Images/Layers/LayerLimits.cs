namespace Containers.Layers;

/// <summary>How much a layer may ask of the machine that unpacks it. Images that people make are far below.</summary>
internal sealed record LayerLimits
{
    public static LayerLimits Default { get; } = new();

    public long Entries { get; init; } = 5_000_000;

    /// <summary>Bytes of the layer when it is not compressed.</summary>
    public long UncompressedBytes { get; init; } = 128L << 30;

    /// <summary>Bytes of all files together with their holes: whoever copies such a file writes the holes too.</summary>
    public long FileBytes { get; init; } = 1L << 40;

    /// <summary>How many bytes may come of a compressed one, once more than <see cref="RatioFrom"/> have come.</summary>
    public long Ratio { get; init; } = 200;

    public long RatioFrom { get; init; } = 1L << 30;

    /// <summary>Names in a path. A path has 4096 bytes at most, but a name of one byte is a directory too.</summary>
    public int Depth { get; init; } = 256;

    public Tar.TarLimits Tar { get; init; } = Containers.Tar.TarLimits.Default;

    public static ImageException Exceeded(string limit, long value) => new(
        "unpack the layer", null, $"It is past the limit {limit} of {value}. Unless it is meant to be so large, do not trust the image.");
}
