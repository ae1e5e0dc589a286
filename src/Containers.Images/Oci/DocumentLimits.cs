namespace Containers.Oci;

/// <summary>How much of a stranger's document is read. Real images stay far below all of them.</summary>
internal static class DocumentLimits
{
    /// <summary>Of a manifest, an index or a configuration, in bytes: what registries accept (4 MiB).</summary>
    public const int MaxDocument = 4 * 1024 * 1024;

    /// <summary>The kernel stacks no more directories in an overlay (OVL_MAX_STACK).</summary>
    public const int MaxLayers = 500;

    public const int MaxIndexEntries = 4096;

    /// <summary>An index may hold indexes; each level is one more request (CVE-2020-1702 and its like).</summary>
    public const int MaxIndexDepth = 4;

    /// <summary>Of one blob, in bytes (1 TiB): sums of them stay far from overflow.</summary>
    public const long MaxBlob = 1L << 40;

    /// <summary>Of all variables together, in bytes: a quarter of what execve(2) takes at the usual stack limit (8 MiB).</summary>
    public const int MaxEnvironment = 512 * 1024;
}
