using System.Collections.Immutable;
using Containers.UserNamespaces;

namespace Containers.Layers;

/// <summary>Ids of the host, and what they are called in a layer.</summary>
/// <param name="Host">Ids of the host.</param>
/// <param name="Inside">What the first of them is inside.</param>
internal readonly record struct OwnerRange(IdRange Host, uint Inside);

/// <summary>How owners on this host are written into a layer.</summary>
internal sealed record OwnerMap(ImmutableArray<OwnerRange> Users, ImmutableArray<OwnerRange> Groups)
{
    /// <summary>As they are.</summary>
    public static OwnerMap Same { get; } = new([new(new IdRange(0, uint.MaxValue), 0)], [new(new IdRange(0, uint.MaxValue), 0)]);

    /// <summary>Null: it is none of the container's.</summary>
    public static uint? Inside(ImmutableArray<OwnerRange> ranges, uint id)
    {
        foreach (var (host, inside) in ranges)
        {
            if (id >= host.First && id - host.First < host.Count)
            {
                return id - host.First + inside;
            }
        }

        return null;
    }
}
