using System.Collections.Immutable;
using Containers.Oci;

namespace Containers.Store;

/// <summary>Which images may be collected. What a living process uses never is.</summary>
internal enum PruneScope
{
    /// <summary>None: only what belongs to no image.</summary>
    Orphans,

    /// <summary>Those without a name.</summary>
    Dangling,

    /// <summary>All.</summary>
    Unused,
}

internal sealed record PruneOptions
{
    public PruneScope Scope { get; init; } = PruneScope.Dangling;

    /// <summary>Remove images only until the store has at most so many bytes, the least recently used first; null: all in scope.</summary>
    public long? KeepBytes { get; init; }

    /// <summary>Say what would be removed, and remove nothing.</summary>
    public bool IsDryRun { get; init; }
}

/// <summary>What was collected.</summary>
internal sealed record PruneResult(ImmutableArray<RemovedImage> Images, int Blobs, int Layers, int Partials, long Bytes);

internal sealed record RemovedImage(Digest Digest, ImmutableArray<string> Names);
