using Containers.UserNamespaces;

namespace Containers.Layers;

/// <summary>How a tree is packed.</summary>
internal sealed record PackOptions
{
    /// <summary>The tree is an overlay's upper directory: its marks become whiteouts. Otherwise it is taken as it is.</summary>
    public bool IsUpper { get; init; }

    /// <summary>What the host's ids of the files are called in the layer.</summary>
    public OwnerMap Owners { get; init; } = OwnerMap.Same;

    /// <summary>The same for what the upper directory is above: layers of root's store have the owners they were made with.</summary>
    public OwnerMap LowerOwners { get; init; } = OwnerMap.Same;

    /// <summary>What the upper directory is above: directories that are only on the way to what changed are left out. Null: all are packed.</summary>
    public LayeredFiles? Lower { get; init; }

    /// <summary>Opens what is closed to the user; null where nothing is.</summary>
    public SubordinateFiles? Subordinate { get; init; }

    /// <summary>Paths to leave out with all below them, without a slash in front.</summary>
    public IReadOnlyList<byte[]> Excluded { get; init; } = [];

    /// <summary>Times with their nanoseconds, which cost a header of their own each. Docker writes whole seconds.</summary>
    public bool HasNanoseconds { get; init; }

    public LayerLimits Limits { get; init; } = LayerLimits.Default;
}
