namespace Containers.Archives;

/// <summary>A file of an archive to be written.</summary>
/// <param name="Size">In bytes.</param>
/// <param name="Open">Its content, from the beginning.</param>
internal sealed record ArchiveMember(long Size, Func<Stream> Open)
{
    public static ArchiveMember Of(byte[] content) => new(content.Length, () => new MemoryStream(content, writable: false));
}
