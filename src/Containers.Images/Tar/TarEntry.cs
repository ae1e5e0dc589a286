namespace Containers.Tar;

/// <summary>
/// One member of an archive. Names are the bytes they are, from the archive to the system call: they need not be text, and two names
/// that differ must not become one.
/// </summary>
internal sealed class TarEntry
{
    public required TarEntryKind Kind { get; init; }

    /// <summary>As it is written in the archive; not cleaned.</summary>
    public required ReadOnlyMemory<byte> Path { get; init; }

    /// <summary>What a symbolic link says, or the path of the member that a hard link is another name of.</summary>
    public ReadOnlyMemory<byte> LinkTarget { get; init; }

    /// <summary>The twelve permission bits.</summary>
    public uint Mode { get; init; } = 0x1A4; // 0644

    public uint UserId { get; init; }

    public uint GroupId { get; init; }

    /// <summary>In bytes, with the holes of a sparse file.</summary>
    public long Size { get; init; }

    public TarTime Modified { get; init; }

    public uint DeviceMajor { get; init; }

    public uint DeviceMinor { get; init; }

    public IReadOnlyList<TarXattr> Xattrs { get; init; } = [];

    /// <summary>Where the stored bytes of a sparse file belong, in order; null where the file is not sparse.</summary>
    public IReadOnlyList<SparseSegment>? Segments { get; init; }

    public override string ToString() => RawText.Show(Path.Span);
}

/// <summary>An extended attribute, as in <c>SCHILY.xattr.*</c>.</summary>
internal readonly record struct TarXattr(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value);

/// <summary>A part of a sparse file that is not a hole; bytes.</summary>
internal readonly record struct SparseSegment(long Offset, long Length);

/// <summary>Since the epoch; the nanoseconds count forward, before the epoch too.</summary>
internal readonly record struct TarTime(long Seconds, int Nanoseconds = 0);
