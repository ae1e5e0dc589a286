using System.Text.Json;

namespace Containers.Oci;

/// <summary>What a document looks like from outside, before it is believed to be anything.</summary>
internal readonly record struct DocumentShape
{
    public bool HasManifests { get; private init; }

    public bool HasLayers { get; private init; }

    public bool HasConfig { get; private init; }

    /// <summary>What only Docker's first schema has.</summary>
    public bool HasFileSystemLayers { get; private init; }

    public int? SchemaVersion { get; private init; }

    public string? MediaType { get; private init; }

    /// <summary>
    /// Reads the names at the top. They are compared without case: other programs read <c>Layers</c> as <c>layers</c>, and a document
    /// must not be two things to two readers (CVE-2021-41190).
    /// </summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="ImageException">It is no object, or names something twice.</exception>
    public static DocumentShape Read(ReadOnlySpan<byte> document, string subject)
    {
        var reader = new Utf8JsonReader(document, new JsonReaderOptions { MaxDepth = 32 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new ImageException("read the manifest", subject, "It is no JSON object.");
        }

        var shape = default(DocumentShape);
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = Text(ref reader) ?? string.Empty;
            if (!names.Add(name))
            {
                throw new ImageException("read the manifest", subject, $"It has \"{Specification.Rules.Printable.Shorten(name)}\" twice.");
            }

            reader.Read();
            shape = name.ToLowerInvariant() switch
            {
                "manifests" => shape with { HasManifests = reader.TokenType != JsonTokenType.Null },
                "layers" => shape with { HasLayers = reader.TokenType != JsonTokenType.Null },
                "config" => shape with { HasConfig = reader.TokenType != JsonTokenType.Null },
                "fslayers" => shape with { HasFileSystemLayers = true },
                "schemaversion" => shape with { SchemaVersion = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var version) ? version : null },
                "mediatype" => shape with { MediaType = Text(ref reader) },
                _ => shape,
            };
            reader.Skip();
        }

        while (reader.Read())
        {
            // To the end: whatever follows the object makes the reader throw.
        }

        return shape;
    }

    private static string? Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName ? reader.GetString() : null;
        }
        catch (InvalidOperationException notText)
        {
            // Bytes that are not UTF-8, or half of a surrogate pair.
            throw new JsonException("A string is no text.", notText);
        }
    }
}
