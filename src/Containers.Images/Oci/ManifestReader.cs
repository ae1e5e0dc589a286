using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Containers.Specification.Rules;

namespace Containers.Oci;

/// <summary>
/// Reads manifests and indexes from bytes that a stranger wrote. What it returns has checked digests, sizes and media types; what it
/// refuses, it refuses whole, by an <see cref="ImageException"/> that names the document and the rule.
/// </summary>
internal static class ManifestReader
{
    private const string Step = "read the manifest";

    private const string DockerSchema1 = "application/vnd.docker.distribution.manifest.v1";

    /// <summary>Reads one of either kind.</summary>
    /// <param name="bytes">The document as it was received.</param>
    /// <param name="subject">The reference or digest, for messages.</param>
    /// <param name="contentType">What the server called it; null where nobody did, as in a layout on disk.</param>
    /// <param name="descriptor">What referred to it, whose digest, size and media type it must have.</param>
    /// <exception cref="ImageException">A rule is broken.</exception>
    public static ManifestDocument Read(ReadOnlyMemory<byte> bytes, string subject, string? contentType = null, Descriptor? descriptor = null)
    {
        var digest = Identify(bytes.Span, subject, descriptor);
        try
        {
            var shape = DocumentShape.Read(bytes.Span, subject);
            var mediaType = CheckKind(shape, subject, contentType, descriptor?.MediaType);
            return new ManifestDocument
            {
                Digest = digest,
                MediaType = mediaType,
                Bytes = bytes,
                Manifest = shape.HasManifests ? null : Check(Deserialize(bytes.Span, OciJson.Default.ImageManifest), subject),
                Index = shape.HasManifests ? Check(Deserialize(bytes.Span, OciJson.Default.ImageIndex), subject) : null,
            };
        }
        catch (JsonException malformed)
        {
            throw Malformed(Step, subject, malformed);
        }
    }

    /// <summary>Checks that a manifest is an image's: artifacts of other kinds have the same form.</summary>
    /// <exception cref="ImageException">It is an artifact, or has a layer that cannot be fetched or unpacked.</exception>
    public static void RequireImage(ImageManifest manifest, string subject)
    {
        if (!MediaTypes.IsConfiguration(manifest.Config.MediaType))
        {
            var kind = Printable.Shorten(manifest.ArtifactType ?? manifest.Config.MediaType ?? "unknown");
            throw new ImageException("use the image", subject, $"It is no image but an artifact of the type {kind}.");
        }

        for (var i = 0; i < manifest.Layers.Length; i++)
        {
            var type = manifest.Layers[i].MediaType;
            if (MediaTypes.IsLayer(type))
            {
                continue;
            }

            // Their urls say where else to fetch from: whoever writes a manifest would choose whom we talk to (CVE-2020-15157).
            var reason = type is not null && (type.Contains("nondistributable", StringComparison.Ordinal) || type.Contains("foreign", StringComparison.Ordinal))
                ? "is not to be distributed and lies elsewhere; such layers are never fetched"
                : "is none that can be unpacked";
            throw new ImageException("use the image", subject, $"Layer {i} of the type {Printable.Shorten(type ?? "unknown")} {reason}.");
        }
    }

    internal static ImageException Malformed(string step, string subject, JsonException malformed) => new(step, subject,
        $"It is no such document: line {malformed.LineNumber ?? 0}, byte {malformed.BytePositionInLine ?? 0}{(malformed.Path is { } path ? ", at " + Printable.Shorten(path) : null)}.", malformed);

    /// <summary>The digest of the bytes, in the descriptor's algorithm, which must be the descriptor's.</summary>
    internal static Digest Identify(ReadOnlySpan<byte> bytes, string subject, Descriptor? descriptor)
    {
        if (bytes.Length > DocumentLimits.MaxDocument)
        {
            throw new ImageException(Step, subject, $"It has more than {DocumentLimits.MaxDocument} bytes.");
        }

        if (descriptor is null)
        {
            return Digest.Of(bytes);
        }

        if (bytes.Length != descriptor.Size)
        {
            throw new ImageException(Step, subject, $"It has {bytes.Length} bytes where {descriptor.Size} were announced.");
        }

        var expected = descriptor.Id;
        var actual = Digest.Of(expected.Algorithm, bytes);
        return actual == expected
            ? actual
            : throw new ImageException(Step, subject, $"It has the digest {actual} where {expected} was announced.");
    }

    private static T Deserialize<T>(ReadOnlySpan<byte> bytes, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(bytes, type) ?? throw new JsonException("It is null.");

    /// <summary>The document's own word, the server's, the descriptor's and its form must all say the same (CVE-2021-41190).</summary>
    private static string CheckKind(in DocumentShape shape, string subject, string? contentType, string? descriptorType)
    {
        if (shape.SchemaVersion == 1 || shape.HasFileSystemLayers || shape.MediaType?.StartsWith(DockerSchema1, StringComparison.Ordinal) == true
            || contentType?.StartsWith(DockerSchema1, StringComparison.Ordinal) == true)
        {
            throw new ImageException(Step, subject,
                "It is in Docker's first manifest schema, which has no checkable layers and is no longer supported. Push the image again with a current client.");
        }

        if (shape.SchemaVersion != 2)
        {
            throw new ImageException(Step, subject, "Its schemaVersion must be 2.");
        }

        if (shape.HasManifests == (shape.HasLayers || shape.HasConfig))
        {
            throw new ImageException(Step, subject, shape.HasManifests
                ? "It is a manifest and an index at once, so that what it means depends on who reads it."
                : "It is neither a manifest, which has config and layers, nor an index, which has manifests.");
        }

        var mediaType = shape.MediaType ?? contentType ?? descriptorType ?? (shape.HasManifests ? MediaTypes.Index : MediaTypes.Manifest);
        Agree(mediaType, contentType, "the server called it");
        Agree(mediaType, descriptorType, "what refers to it calls it");
        if (shape.HasManifests ? !MediaTypes.IsIndex(mediaType) : !MediaTypes.IsManifest(mediaType))
        {
            throw new ImageException(Step, subject, $"It has the form of {(shape.HasManifests ? "an index" : "a manifest")} but the media type {Printable.Shorten(mediaType)}.");
        }

        return mediaType;

        void Agree(string own, string? other, string who)
        {
            if (other is not null && other != own)
            {
                throw new ImageException(Step, subject, $"Its media type is {Printable.Shorten(own)}, but {who} {Printable.Shorten(other)}.");
            }
        }
    }

    private static ImageManifest Check(ImageManifest manifest, string subject)
    {
        if (manifest.Layers.Length > DocumentLimits.MaxLayers)
        {
            throw new ImageException(Step, subject, $"It has {manifest.Layers.Length} layers; at most {DocumentLimits.MaxLayers} can be stacked.");
        }

        Check(manifest.Config, subject, "the configuration", DocumentLimits.MaxDocument);
        CheckAll(manifest.Layers, subject, "layer", DocumentLimits.MaxBlob);
        if (manifest.Subject is { } about)
        {
            Check(about, subject, "the subject", DocumentLimits.MaxDocument);
        }

        return manifest;
    }

    private static ImageIndex Check(ImageIndex index, string subject)
    {
        if (index.Manifests.Length > DocumentLimits.MaxIndexEntries)
        {
            throw new ImageException(Step, subject, $"It has {index.Manifests.Length} entries; {DocumentLimits.MaxIndexEntries} are read at most.");
        }

        // Of entries that are no manifests, the size is of whatever they are.
        CheckAll(index.Manifests, subject, "entry", DocumentLimits.MaxBlob);
        return index;
    }

    private static void CheckAll(ImmutableArray<Descriptor> descriptors, string subject, string what, long maxSize)
    {
        for (var i = 0; i < descriptors.Length; i++)
        {
            Check(descriptors[i], subject, $"{what} {i}", maxSize);
        }
    }

    private static void Check(Descriptor? descriptor, string subject, string what, long maxSize)
    {
        if (descriptor is null || !Digest.TryParse(descriptor.Digest, out _))
        {
            throw new ImageException(Step, subject, $"The digest of {what} is none: {Printable.Shorten(descriptor?.Digest ?? "null")}.");
        }

        if (descriptor.Size < 0 || descriptor.Size > maxSize)
        {
            throw new ImageException(Step, subject, $"The size of {what} is {descriptor.Size}; it must be from 0 to {maxSize}.");
        }
    }
}
