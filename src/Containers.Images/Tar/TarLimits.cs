namespace Containers.Tar;

/// <summary>How much an archive may ask of its reader for one member, before anything of it is used.</summary>
internal sealed record TarLimits
{
    public static TarLimits Default { get; } = new();

    /// <summary>The kernel's PATH_MAX.</summary>
    public int PathLength { get; init; } = 4096;

    /// <summary>Bytes of all headers before and of one member: PAX records, with the extended attributes in them, and long names.</summary>
    public int MetadataBytes { get; init; } = 1 << 20;

    /// <summary>CVE-2025-58183: a map of a sparse file can be longer than the file.</summary>
    public int SparseSegments { get; init; } = 1 << 18;
}
