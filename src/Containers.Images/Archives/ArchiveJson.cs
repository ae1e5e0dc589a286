using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Containers.Archives;

/// <summary>The file oci-layout (image-spec, image-layout.md).</summary>
internal sealed record LayoutMarker(string? ImageLayoutVersion);

/// <summary>An image in the manifest.json of <c>docker save</c>.</summary>
internal sealed record DockerArchiveImage
{
    public required string Config { get; init; }

    public ImmutableArray<string>? RepoTags { get; init; }

    /// <summary>Members, lowest layer first.</summary>
    public required ImmutableArray<string> Layers { get; init; }
}

[JsonSourceGenerationOptions(MaxDepth = 8)]
[JsonSerializable(typeof(ImmutableArray<DockerArchiveImage>))]
internal sealed partial class DockerArchiveJson : JsonSerializerContext;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 8)]
[JsonSerializable(typeof(LayoutMarker))]
internal sealed partial class ArchiveJson : JsonSerializerContext;
