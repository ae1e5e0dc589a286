namespace Containers;

/// <summary>Something in a registry that refers to an image.</summary>
/// <param name="Digest">The digest of its manifest.</param>
/// <param name="ArtifactType">What it is, as <c>application/vnd.example.signature</c>; null where it does not say.</param>
/// <param name="Size">Bytes of its manifest.</param>
/// <param name="Annotations">What it says of itself.</param>
public sealed record ImageReferrer(string Digest, string? ArtifactType, long Size, IReadOnlyDictionary<string, string> Annotations);
