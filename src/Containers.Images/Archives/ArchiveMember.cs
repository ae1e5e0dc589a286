using Containers.Oci;
using Containers.Store;

namespace Containers.Archives;

/// <summary>A file of an archive to be written.</summary>
/// <param name="Size">In bytes.</param>
/// <param name="OpenAsync">Its content, from the beginning.</param>
internal sealed record ArchiveMember(long Size, Func<CancellationToken, ValueTask<Stream>> OpenAsync)
{
    public static ArchiveMember Of(byte[] content) => new(content.Length, _ => new(new MemoryStream(content, writable: false)));

    /// <summary>A blob of the store as it is.</summary>
    public static ArchiveMember Of(BlobStore blobs, Descriptor blob) => new(blob.Size, _ => new(blobs.OpenRead(blob.Id)));
}
