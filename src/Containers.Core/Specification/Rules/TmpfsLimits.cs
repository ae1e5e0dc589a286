namespace Containers.Specification.Rules;

/// <summary>Sizes of a tmpfs, which reads size=0 and nr_inodes=0 as "no limit" (tmpfs(5)).</summary>
internal static class TmpfsLimits
{
    private const long MinBytes = 4096;

    // The root directory takes one.
    private const long MinInodes = 2;
    private const long BytesPerInode = 4096;

    /// <summary>
    /// One for each page of the size. The kernel's own default is half the host's memory in pages whatever the size, and
    /// inodes are memory too: empty files alone would pass the limit.
    /// </summary>
    public static long DefaultInodes(ByteSize size) => Math.Max(MinInodes, size.Bytes / BytesPerInode);

    public static void Require(ByteSize? size, string sizeParameter, long? inodes, string inodesParameter)
    {
        if (size is { Bytes: < MinBytes })
        {
            throw new ArgumentOutOfRangeException(
                sizeParameter, size, "A file system in memory holds 4 KiB at least; write sizes with their unit, as 64.MB.");
        }

        if (inodes < MinInodes)
        {
            throw new ArgumentOutOfRangeException(
                inodesParameter,
                inodes,
                $"A file system in memory has {MinInodes} inodes at least, its root directory takes one; null leaves the choice.");
        }
    }
}
