using System.Collections.Immutable;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Containers.Oci;

/// <summary>The configuration of an image (image-spec, config.md, and Docker's image specification v1.2 for the health check and others).</summary>
internal sealed record ImageConfiguration
{
    public DateTimeOffset? Created { get; init; }

    public string? Author { get; init; }

    public string? Architecture { get; init; }

    public string? Os { get; init; }

    public string? Variant { get; init; }

    public ContainerConfiguration? Config { get; init; }

    public required LayerIdentities Rootfs { get; init; }

    public ImmutableArray<HistoryEntry>? History { get; init; }
}

/// <summary>What the container of an image is given where whoever runs it does not say otherwise.</summary>
internal sealed record ContainerConfiguration
{
    [JsonPropertyName("User")]
    public string? User { get; init; }

    /// <summary>Port and protocol, as <c>80/tcp</c>; the values are empty objects.</summary>
    [JsonPropertyName("ExposedPorts")]
    public ImmutableSortedDictionary<string, JsonObject>? ExposedPorts { get; init; }

    [JsonPropertyName("Env")]
    public ImmutableArray<string>? Env { get; init; }

    [JsonPropertyName("Entrypoint")]
    public ImmutableArray<string>? Entrypoint { get; init; }

    [JsonPropertyName("Cmd")]
    public ImmutableArray<string>? Cmd { get; init; }

    [JsonPropertyName("Volumes")]
    public ImmutableSortedDictionary<string, JsonObject>? Volumes { get; init; }

    [JsonPropertyName("WorkingDir")]
    public string? WorkingDir { get; init; }

    [JsonPropertyName("Labels")]
    public ImmutableSortedDictionary<string, string>? Labels { get; init; }

    [JsonPropertyName("StopSignal")]
    public string? StopSignal { get; init; }

    [JsonPropertyName("Healthcheck")]
    public HealthCheckConfiguration? Healthcheck { get; init; }
}

/// <summary>Docker's HEALTHCHECK; times in nanoseconds.</summary>
internal sealed record HealthCheckConfiguration
{
    [JsonPropertyName("Test")]
    public ImmutableArray<string>? Test { get; init; }

    [JsonPropertyName("Interval")]
    public long? Interval { get; init; }

    [JsonPropertyName("Timeout")]
    public long? Timeout { get; init; }

    [JsonPropertyName("StartPeriod")]
    public long? StartPeriod { get; init; }

    [JsonPropertyName("StartInterval")]
    public long? StartInterval { get; init; }

    [JsonPropertyName("Retries")]
    public int? Retries { get; init; }
}

/// <summary>The digests of the layers, unpacked, lowest first.</summary>
internal sealed record LayerIdentities
{
    public string Type { get; init; } = "layers";

    [JsonPropertyName("diff_ids")]
    public required ImmutableArray<string> DiffIds { get; init; }
}

/// <summary>What made a layer, or changed the configuration only.</summary>
internal sealed record HistoryEntry
{
    public DateTimeOffset? Created { get; init; }

    [JsonPropertyName("created_by")]
    public string? CreatedBy { get; init; }

    public string? Author { get; init; }

    public string? Comment { get; init; }

    [JsonPropertyName("empty_layer")]
    public bool? EmptyLayer { get; init; }
}
