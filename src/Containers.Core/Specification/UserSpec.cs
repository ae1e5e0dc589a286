using System.Collections.Immutable;

namespace Containers.Specification;

/// <summary>
/// The user as written, <c>uid</c>, <c>uid:gid</c>, <c>name</c> or <c>name:group</c>. Names are looked up in the
/// container's own /etc/passwd and /etc/group when it starts.
/// </summary>
internal sealed record UserSpec(string User, string? Group, ImmutableArray<string> SupplementaryGroups)
{
    public static UserSpec Root { get; } = new("0", "0", []);
}
