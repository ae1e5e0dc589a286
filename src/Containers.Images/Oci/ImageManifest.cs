using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Containers.Oci;

/// <summary>One image for one platform: its configuration and its layers, lowest first (image-spec, manifest.md).</summary>
internal sealed record ImageManifest
{
    public int SchemaVersion { get; init; } = 2;

    public string? MediaType { get; init; }

    public string? ArtifactType { get; init; }

    public required Descriptor Config { get; init; }

    public required ImmutableArray<Descriptor> Layers { get; init; }

    public Descriptor? Subject { get; init; }

    public ImmutableDictionary<string, string>? Annotations { get; init; }
}

/// <summary>Images of several platforms under one name (image-spec, image-index.md).</summary>
internal sealed record ImageIndex
{
    public int SchemaVersion { get; init; } = 2;

    public string? MediaType { get; init; }

    public string? ArtifactType { get; init; }

    public required ImmutableArray<Descriptor> Manifests { get; init; }

    public Descriptor? Subject { get; init; }

    public ImmutableDictionary<string, string>? Annotations { get; init; }
}

/// <summary>How the documents of the specification are read and written: by source generation, and what is not set is left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    MaxDepth = 32)]
[JsonSerializable(typeof(ImageManifest))]
[JsonSerializable(typeof(ImageIndex))]
[JsonSerializable(typeof(ImageConfiguration))]
internal sealed partial class OciJson : JsonSerializerContext;
