using System.Diagnostics.CodeAnalysis;
using Containers.Oci;
using Containers.References;

namespace Containers;

/// <summary>
/// The name of an image, as Docker writes it: <c>alpine</c>, <c>alpine:3.20</c>, <c>ghcr.io/owner/app@sha256:…</c>,
/// <c>localhost:5000/app</c>. What is left out is filled in: the registry is Docker Hub, a name of one part is in its
/// <c>library</c>, and the tag is <c>latest</c> where there is no digest. Local sources are <c>oci:directory[:name]</c>,
/// <c>oci-archive:file.tar[:name]</c> and <c>docker-archive:file.tar[:name]</c>.
/// </summary>
public sealed record ImageReference
{
    /// <summary>Docker Hub.</summary>
    internal const string DefaultRegistry = "docker.io";

    /// <summary>Where Docker Hub keeps its official images.</summary>
    internal const string OfficialPrefix = "library/";

    internal const string DefaultTag = "latest";

    internal ImageReference(string registry, string repository, string? tag, string? digest)
        => (Registry, Repository, Tag, Digest) = (registry, repository, tag, digest);

    internal ImageReference(ImageTransport transport, string path, string? tag)
        => (Transport, Path, Tag) = (transport, path, tag);

    /// <summary>Where the image is.</summary>
    public ImageTransport Transport { get; }

    /// <summary>The registry's host, with its port where one was given: <c>docker.io</c>. Empty for a local source.</summary>
    public string Registry { get; } = string.Empty;

    /// <summary>The repository in the registry: <c>library/alpine</c>. Empty for a local source.</summary>
    public string Repository { get; } = string.Empty;

    /// <summary>The directory or file of a local source; null for a registry.</summary>
    public string? Path { get; }

    /// <summary>
    /// The tag; null where a digest alone was given. For a local source the name of the image in it, which may be a whole
    /// reference, and null where none was given.
    /// </summary>
    public string? Tag { get; }

    /// <summary>The digest that the image must have, as <c>sha256:…</c>; null where none was given.</summary>
    public string? Digest { get; }

    /// <summary>
    /// The short form, as Docker prints it: without <c>docker.io/</c> and <c>library/</c> where the name means the same without.
    /// </summary>
    public string Familiar
    {
        get
        {
            if (Transport != ImageTransport.Registry || Registry != DefaultRegistry)
            {
                return ToString();
            }

            var name = Repository.StartsWith(OfficialPrefix, StringComparison.Ordinal) && Repository.IndexOf('/', OfficialPrefix.Length) < 0
                ? Repository[OfficialPrefix.Length..]
                : Repository;
            var shortened = name + Suffix;
            return TryParse(shortened, out var same) && same == this ? shortened : ToString();
        }
    }

    /// <summary>The repository with its registry, without tag and digest.</summary>
    internal string Name => $"{Registry}/{Repository}";

    private string Suffix => (Tag is null ? null : ":" + Tag) + (Digest is null ? null : "@" + Digest);

    /// <summary>Reads a reference.</summary>
    /// <param name="text">As <c>alpine:3.20</c>.</param>
    /// <exception cref="FormatException">It is none: the message names the position, from 0, and the rule.</exception>
    public static ImageReference Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parser = new ReferenceParser(text);
        return parser.Read() ?? throw new FormatException(parser.Problem);
    }

    /// <summary>Reads a reference; false where it is none.</summary>
    /// <param name="text">As <c>alpine:3.20</c>.</param>
    /// <param name="reference">What was read.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out ImageReference? reference)
    {
        reference = text is null ? null : new ReferenceParser(text).Read();
        return reference is not null;
    }

    /// <summary>The whole name, with everything that may be left out: <c>docker.io/library/alpine:latest</c>.</summary>
    public override string ToString() => Transport switch
    {
        ImageTransport.Registry => Name + Suffix,
        _ => $"{ReferenceParser.Prefix(Transport)}{Path}{Suffix}",
    };

    /// <summary>The same image by what it is: a tag may come to mean another, a digest never.</summary>
    internal ImageReference Pinned(Digest digest) => new(Registry, Repository, Tag, digest.ToString());

    /// <summary>The same repository under another tag, which is one already checked.</summary>
    internal ImageReference Tagged(string tag) => new(Registry, Repository, tag, digest: null);
}
