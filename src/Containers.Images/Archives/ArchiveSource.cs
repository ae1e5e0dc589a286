namespace Containers.Archives;

/// <summary>Takes the content of a member; what it does not read is skipped.</summary>
internal delegate ValueTask MemberReader(Stream content, long size, CancellationToken cancellationToken);

/// <summary>
/// The members of an archive by name: a directory, or a tar. Names are looked up, never made into paths of this host, and neither links
/// nor anything else that is not a file is a member that can be read (CVE-2023-25153).
/// </summary>
internal abstract class ArchiveSource : IAsyncDisposable
{
    /// <summary>What it is called in messages.</summary>
    public abstract string Name { get; }

    public abstract bool Contains(string member);

    /// <summary>A small member as a whole; null where it is not there.</summary>
    /// <exception cref="ImageException">It is too large for a document, or no file.</exception>
    public abstract ValueTask<byte[]?> ReadDocumentAsync(string member, CancellationToken cancellationToken);

    /// <summary>Reads these members, each once, in whatever order is quickest.</summary>
    /// <exception cref="ImageException">One is not there, or no file.</exception>
    public abstract ValueTask ReadAsync(IReadOnlyDictionary<string, MemberReader> members, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    public async ValueTask<byte[]> RequireDocumentAsync(string member, CancellationToken cancellationToken) =>
        await ReadDocumentAsync(member, cancellationToken).ConfigureAwait(false) ?? throw Missing(member);

    protected ImageException Missing(string member) => new("read the archive", Name, $"It has no \"{Shown(member)}\": it is incomplete, or no archive of images.");

    protected ImageException NoFile(string member) => new(
        "read the archive", Name, $"\"{Shown(member)}\" is no file. Links and the like are not followed: they could lead out of the archive.");

    protected ImageException TooLarge(string member, long size) => new(
        "read the archive", Name, $"\"{Shown(member)}\" has {size} bytes, and no document has more than {Oci.DocumentLimits.MaxDocument}.");

    /// <summary>The name that a member is looked up by; null for one that leads elsewhere, which is never anything's name.</summary>
    protected static string? Normalize(string member)
    {
        var parts = member.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(static part => part != ".").ToArray();
        return member.StartsWith('/') || parts.Length == 0 || parts.Contains("..") ? null : string.Join('/', parts);
    }

    private static string Shown(string member) => Tar.RawText.Show(System.Text.Encoding.UTF8.GetBytes(member));
}
