using Containers.Oci;

namespace Containers.Layers;

/// <summary>What unpacking a layer made.</summary>
internal sealed record UnpackedLayer
{
    /// <summary>The digest of the uncompressed archive, to its last byte: what an image's configuration calls the layer's diff id.</summary>
    public required Digest DiffId { get; init; }

    /// <summary>Bytes of the uncompressed archive.</summary>
    public required long Size { get; init; }

    public required long Entries { get; init; }

    /// <summary>Bytes written to files.</summary>
    public required long FileBytes { get; init; }

    public required long Whiteouts { get; init; }

    /// <summary>
    /// Directories that entries are in and that the layer has no entry of: their owner, mode and time must come from the layers below.
    /// Paths without a slash in front; an empty one is the layer's root itself.
    /// </summary>
    public required IReadOnlyList<byte[]> ImplicitDirectories { get; init; }

    /// <summary>Nothing of the layers below is to be seen. Overlay takes no notice of the mark on a root, so who mounts must leave them out.</summary>
    public required bool IsOpaque { get; init; }

    public required long SkippedDevices { get; init; }

    /// <summary>Extended attributes that no layer may set, or that the file system or the user's rights do not allow.</summary>
    public required long DroppedXattrs { get; init; }
}
