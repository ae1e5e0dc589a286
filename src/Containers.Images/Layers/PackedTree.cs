namespace Containers.Layers;

/// <summary>What packing a tree made.</summary>
internal sealed record PackedTree
{
    /// <summary>Bytes of the uncompressed archive.</summary>
    public required long Size { get; init; }

    public required long Entries { get; init; }

    /// <summary>Sockets, which no archive can hold.</summary>
    public required long SkippedSockets { get; init; }

    /// <summary>Files that changed, shrank or went while they were read: what is in the archive is of different moments.</summary>
    public required long ChangedFiles { get; init; }
}
