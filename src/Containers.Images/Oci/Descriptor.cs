using System.Collections.Immutable;

namespace Containers.Oci;

/// <summary>What content is referred to by (image-spec, descriptor.md).</summary>
internal sealed record Descriptor
{
    public string? MediaType { get; init; }

    /// <summary>As it was read; <see cref="Id"/> is the checked one.</summary>
    public required string Digest { get; init; }

    public required long Size { get; init; }

    public Platform? Platform { get; init; }

    public string? ArtifactType { get; init; }

    public ImmutableDictionary<string, string>? Annotations { get; init; }

    [System.Text.Json.Serialization.JsonIgnore]
    public Digest Id => Oci.Digest.Parse(Digest);
}

/// <summary>What an image of an index runs on.</summary>
internal sealed record Platform
{
    public string? Architecture { get; init; }

    public string? Os { get; init; }

    public string? Variant { get; init; }
}
