using System.Text.Json.Serialization;
using Containers.Oci;

namespace Containers.Store;

/// <summary>What is noted of an unpacked layer beside it.</summary>
internal sealed record LayerRecord(string DiffId, string? ChainId, long Size);

/// <summary>The file of a tag.</summary>
internal sealed record TagRecord(string Name, Descriptor Target);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, MaxDepth = 16)]
[JsonSerializable(typeof(LayerRecord))]
[JsonSerializable(typeof(TagRecord))]
internal sealed partial class StoreJson : JsonSerializerContext;
