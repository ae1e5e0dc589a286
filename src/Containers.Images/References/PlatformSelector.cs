using Containers.Oci;
using Containers.Specification.Rules;

namespace Containers.References;

/// <summary>Picks from an index what runs on a platform.</summary>
internal static class PlatformSelector
{
    // buildx puts signatures and provenance beside the images, as platform unknown/unknown.
    private const string AttestationMark = "vnd.docker.reference.type";
    private const string Unknown = "unknown";

    /// <summary>
    /// The entry for exactly this platform, else for the nearest older variant, the first of several; else the one entry that says
    /// no platform, whose configuration decides. Another architecture is never chosen.
    /// </summary>
    /// <exception cref="ImageException">There is none; the message lists what there is.</exception>
    public static Descriptor Select(ImageIndex index, ImagePlatform wanted, string subject)
    {
        Descriptor? best = null;
        var bestDistance = int.MaxValue;
        var open = new List<Descriptor>();
        var offered = new List<string>();
        foreach (var entry in index.Manifests)
        {
            if (IsAside(entry))
            {
                continue;
            }

            if (ImagePlatform.From(entry.Platform) is not { } platform)
            {
                open.Add(entry);
                continue;
            }

            offered.Add(platform.ToString());
            if (wanted.DistanceTo(platform) is { } distance && distance < bestDistance)
            {
                (best, bestDistance) = (entry, distance);
            }
        }

        if (best is not null)
        {
            return best;
        }

        return open.Count == 1 ? open[0] : throw new ImageException("find the platform " + wanted, subject, (offered.Count, open.Count) switch
        {
            (0, 0) => "The index has no image.",
            (0, _) => "The index does not say which platforms its images are for.",
            _ => $"The index has {List(offered)} only.",
        });
    }

    /// <summary>Checks that an image is for the platform by its own word, whatever an index said of it.</summary>
    /// <exception cref="ImageException">It is for another.</exception>
    public static void Require(ImageConfiguration configuration, ImagePlatform wanted, string subject)
    {
        // Images without a word on it are older than the fields; the specification requires both.
        var actual = ImagePlatform.From(configuration.Os, configuration.Architecture, configuration.Variant)
            ?? throw new ImageException("use the image", subject, "Its configuration names no operating system and architecture.");

        // An index may name a variant that the configuration does not repeat, so only the architecture must be the same.
        if (actual.OperatingSystem != wanted.OperatingSystem || actual.Architecture != wanted.Architecture)
        {
            throw new ImageException("use the image", subject, $"It is for {actual}, not for {wanted}.");
        }
    }

    private static bool IsAside(Descriptor entry) =>
        entry.Annotations?.ContainsKey(AttestationMark) == true
        || entry.Platform is { Os: Unknown } or { Architecture: Unknown }
        || !(MediaTypes.IsManifest(entry.MediaType) || MediaTypes.IsIndex(entry.MediaType));

    private static string List(List<string> platforms) => Printable.Shorten(string.Join(", ", platforms.Distinct(StringComparer.Ordinal)));
}
