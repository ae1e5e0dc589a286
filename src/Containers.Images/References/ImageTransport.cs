namespace Containers;

/// <summary>Where an image is.</summary>
public enum ImageTransport
{
    /// <summary>In a registry, or in the local store under the same name.</summary>
    Registry,

    /// <summary>In a directory with the OCI image layout: <c>oci:directory</c>.</summary>
    OciDirectory,

    /// <summary>In a tar file with the OCI image layout: <c>oci-archive:file.tar</c>.</summary>
    OciArchive,

    /// <summary>In a tar file as <c>docker save</c> writes it: <c>docker-archive:file.tar</c>.</summary>
    DockerArchive,
}
