using System.Collections.Immutable;

namespace Containers.Cgroups;

/// <summary>A mounted control group hierarchy and this process's place in it.</summary>
/// <param name="MountPoint">Where it is mounted.</param>
/// <param name="IsV2">Whether it is the unified (v2) tree.</param>
/// <param name="IsReadOnly">Whether this mount refuses writes.</param>
/// <param name="Controllers">The kernel's names of a v1 hierarchy's controllers; empty on v2, whose groups each list theirs.</param>
/// <param name="OwnPath">The directory of this process's own group; null where it is outside what is mounted.</param>
internal sealed record CgroupMount(
    string MountPoint, bool IsV2, bool IsReadOnly, ImmutableArray<string> Controllers, string? OwnPath);
