namespace Containers.Oci;

/// <summary>Media types of the OCI image specification and of Docker's manifest schema 2, which mean the same things.</summary>
internal static class MediaTypes
{
    public const string Index = "application/vnd.oci.image.index.v1+json";
    public const string Manifest = "application/vnd.oci.image.manifest.v1+json";
    public const string Configuration = "application/vnd.oci.image.config.v1+json";
    public const string EmptyJson = "application/vnd.oci.empty.v1+json";
    public const string Layer = "application/vnd.oci.image.layer.v1.tar";
    public const string LayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    public const string LayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";

    public const string DockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json";
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    public const string DockerConfiguration = "application/vnd.docker.container.image.v1+json";
    public const string DockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
    public const string DockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    public static bool IsIndex(string? type) => type is Index or DockerIndex;

    public static bool IsManifest(string? type) => type is Manifest or DockerManifest;

    public static bool IsConfiguration(string? type) => type is Configuration or DockerConfiguration;

    /// <summary>A layer that can be unpacked. The non-distributable kinds, which name other places to fetch from, are none.</summary>
    public static bool IsLayer(string? type) => type is Layer or LayerGzip or LayerZstd or DockerLayer or DockerLayerGzip;
}
