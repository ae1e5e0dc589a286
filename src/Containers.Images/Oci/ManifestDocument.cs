namespace Containers.Oci;

/// <summary>A manifest or an index as it was received, checked: exactly one of <see cref="Manifest"/> and <see cref="Index"/> is there.</summary>
internal sealed record ManifestDocument
{
    /// <summary>Of the very bytes.</summary>
    public required Digest Digest { get; init; }

    public required string MediaType { get; init; }

    public required ReadOnlyMemory<byte> Bytes { get; init; }

    public ImageManifest? Manifest { get; init; }

    public ImageIndex? Index { get; init; }

    /// <summary>What an index would say of it.</summary>
    public Descriptor Descriptor => new() { MediaType = MediaType, Digest = Digest.ToString(), Size = Bytes.Length };
}
