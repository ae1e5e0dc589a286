using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Containers.Oci;
using Containers.Specification.Rules;

namespace Containers;

/// <summary>
/// What an image runs on, in the words of the OCI specification: <c>linux/amd64</c>, <c>linux/arm/v7</c>. Other names for the same
/// (<c>x86_64</c>, <c>aarch64</c>, <c>armhf</c>) are put into those, so that equal platforms compare as equal.
/// </summary>
public sealed record ImagePlatform
{
    private const int MaxPart = 64;

    private static readonly SearchValues<char> PartCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    /// <summary>Creates a platform.</summary>
    /// <param name="operatingSystem">As <c>linux</c>.</param>
    /// <param name="architecture">As <c>amd64</c> or <c>x86_64</c>.</param>
    /// <param name="variant">As <c>v7</c>; null for the architecture's usual one.</param>
    /// <exception cref="ArgumentException">A part is empty, or has other characters than letters, digits and <c>_.-</c>.</exception>
    public ImagePlatform(string operatingSystem, string architecture, string? variant = null)
    {
        RequirePart(operatingSystem, nameof(operatingSystem));
        RequirePart(architecture, nameof(architecture));
        if (variant is not null)
        {
            RequirePart(variant, nameof(variant));
        }

        OperatingSystem = operatingSystem.ToLowerInvariant() is "macos" ? "darwin" : operatingSystem.ToLowerInvariant();
        (Architecture, Variant) = Normalize(architecture.ToLowerInvariant(), variant?.ToLowerInvariant());
    }

    /// <summary>The platform of this host.</summary>
    public static ImagePlatform Current { get; } = new("linux", RuntimeInformation.OSArchitecture.ToString());

    /// <summary>As <c>linux</c>.</summary>
    public string OperatingSystem { get; }

    /// <summary>As <c>amd64</c>.</summary>
    public string Architecture { get; }

    /// <summary>As <c>v7</c>; null for the architecture's usual one, and where it has none.</summary>
    public string? Variant { get; }

    /// <summary>Reads <c>os/architecture</c> or <c>os/architecture/variant</c>.</summary>
    /// <param name="text">As <c>linux/arm64</c>.</param>
    /// <exception cref="FormatException">It is no platform.</exception>
    public static ImagePlatform Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out var platform)
            ? platform
            : throw new FormatException($"\"{Printable.Shorten(text)}\" is no platform. Write os/architecture or os/architecture/variant, as linux/arm64 or linux/arm/v7.");
    }

    /// <summary>As <see cref="Parse"/>; false where it is no platform.</summary>
    /// <param name="text">As <c>linux/arm64</c>.</param>
    /// <param name="platform">What was read.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out ImagePlatform? platform)
    {
        var parts = text is { Length: <= (MaxPart * 3) + 2 } ? text.Split('/') : [];
        platform = parts.Length is 2 or 3 && Array.TrueForAll(parts, IsPart) ? new ImagePlatform(parts[0], parts[1], parts.ElementAtOrDefault(2)) : null;
        return platform is not null;
    }

    /// <summary>As <c>linux/arm/v7</c>.</summary>
    public override string ToString() => Variant is null ? $"{OperatingSystem}/{Architecture}" : $"{OperatingSystem}/{Architecture}/{Variant}";

    /// <summary>What a document says; null where it says nothing that can be a platform.</summary>
    internal static ImagePlatform? From(string? operatingSystem, string? architecture, string? variant) =>
        IsPart(operatingSystem) && IsPart(architecture) && (variant is null or "" || IsPart(variant))
            ? new ImagePlatform(operatingSystem, architecture, variant is "" ? null : variant)
            : null;

    internal static ImagePlatform? From(Platform? platform) => From(platform?.Os, platform?.Architecture, platform?.Variant);

    /// <summary>
    /// How well what is built for <paramref name="offered"/> runs here: 0 is exactly this, more is an older variant, null not at all.
    /// </summary>
    internal int? DistanceTo(ImagePlatform offered)
    {
        if (offered.OperatingSystem != OperatingSystem || offered.Architecture != Architecture)
        {
            return null;
        }

        if (offered.Variant == Variant)
        {
            return 0;
        }

        // A variant runs what was built for an older one: arm v7 runs v6 and v5, amd64 v3 runs v2 and the baseline.
        return Level(Variant) is { } own && Level(offered.Variant) is { } other && other <= own ? own - other : null;
    }

    private int? Level(string? variant) => (Architecture, variant) switch
    {
        ("amd64", null) => 1,
        ("arm64", null) => 8,
        (_, ['v', .. var digits]) when int.TryParse(digits, out var level) && level is >= 0 and < 100 => level,
        _ => null,
    };

    // As containerd's platforms package has them, so that images built with any tool are found.
    private static (string Architecture, string? Variant) Normalize(string architecture, string? variant)
    {
        variant = variant is [>= '0' and <= '9', ..] ? "v" + variant : variant;
        return architecture switch
        {
            "amd64" or "x86_64" or "x86-64" or "x64" => ("amd64", variant is "v1" ? null : variant),
            "386" or "i386" or "i486" or "i586" or "i686" or "x86" => ("386", variant),
            "arm64" or "aarch64" => ("arm64", variant is "v8" or "v8.0" ? null : variant),
            "arm" => ("arm", variant ?? "v7"),
            "armhf" or "armv7l" or "armv7" => ("arm", variant ?? "v7"),
            "armel" or "armv6l" or "armv6" => ("arm", variant ?? "v6"),
            "loongarch64" => ("loong64", variant),
            "ppc64el" => ("ppc64le", variant),
            _ => (architecture, variant),
        };
    }

    private static bool IsPart([NotNullWhen(true)] string? part) => part is { Length: > 0 and <= MaxPart } && !part.AsSpan().ContainsAnyExcept(PartCharacters);

    private static void RequirePart(string part, string parameter)
    {
        ArgumentNullException.ThrowIfNull(part, parameter);
        if (!IsPart(part))
        {
            throw new ArgumentException($"\"{Printable.Shorten(part)}\" must have 1 to {MaxPart} letters, digits, '_', '.' and '-'.", parameter);
        }
    }
}
