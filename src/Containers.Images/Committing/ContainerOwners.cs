using System.Collections.Immutable;
using Containers.Interop;
using Containers.Layers;
using Containers.UserNamespaces;

namespace Containers.Committing;

/// <summary>Which ids of the container the host's ids of its files are.</summary>
internal static class ContainerOwners
{
    public static OwnerMap Of(Container container)
    {
        if (container.WrittenIds is { } range)
        {
            ImmutableArray<OwnerRange> own = [new(range, 0)];
            return new OwnerMap(own, own);
        }

        if (!container.Engine.Facts.IsRootless)
        {
            return OwnerMap.Same;
        }

        // An ordinary user is root inside; subordinate ids follow from 1 on.
        var subordinate = container.Engine.HasManyIds ? SubordinateIds.Find() : null;
        return new OwnerMap(
            Ranges(Libc.EffectiveUserId(), subordinate?.Users), Ranges(Libc.EffectiveGroupId(), subordinate?.Groups));
    }

    private static ImmutableArray<OwnerRange> Ranges(uint own, IdRange? subordinate) =>
        subordinate is { } range ? [new(new IdRange(own, 1), 0), new(range, 1)] : [new(new IdRange(own, 1), 0)];
}
