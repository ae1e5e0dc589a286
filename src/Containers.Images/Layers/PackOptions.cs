using Containers.UserNamespaces;

namespace Containers.Layers;

/// <summary>How a tree is packed.</summary>
internal sealed record PackOptions
{
    /// <summary>The tree is an overlay's upper directory: its marks become whiteouts. Otherwise it is taken as it is.</summary>
    public bool IsUpper { get; init; }

    /// <summary>The host's ids that are the container's ids from 0 on; null where they are the same.</summary>
    public IdRange? Ids { get; init; }

    /// <summary>Paths to leave out with all below them, without a slash in front.</summary>
    public IReadOnlyList<byte[]> Excluded { get; init; } = [];

    /// <summary>Times with their nanoseconds, which cost a header of their own each. Docker writes whole seconds.</summary>
    public bool HasNanoseconds { get; init; }

    public LayerLimits Limits { get; init; } = LayerLimits.Default;
}
