namespace Containers;

/// <summary>How images are kept in files.</summary>
public enum ImageArchiveFormat
{
    /// <summary>A tar of an OCI image layout, as <c>oci-archive:</c> of skopeo and podman.</summary>
    OciArchive,

    /// <summary>What <c>docker save</c> writes and <c>docker load</c> reads.</summary>
    DockerArchive,

    /// <summary>A directory with an OCI image layout, as <c>oci:</c> of skopeo and umoci.</summary>
    OciLayout,
}

/// <summary>An image that was read from an archive.</summary>
/// <param name="Digest">The digest of its manifest or index: <c>name@digest</c> is a reference to it.</param>
/// <param name="ArchiveNames">What the archive calls it.</param>
public sealed record LoadedImage(string Digest, IReadOnlyList<string> ArchiveNames);
