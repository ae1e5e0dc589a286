using System.Collections.Immutable;

namespace Containers.Users;

/// <summary>A user of the container in the kernel's numbers.</summary>
/// <param name="UserId">For setresuid(2).</param>
/// <param name="GroupId">The primary group, for setresgid(2).</param>
/// <param name="Groups">
/// The whole list for setgroups(2): the primary group first, then the others, each once. The primary group belongs in it:
/// a job could otherwise drop it, and reach files that deny that group something (CVE-2022-36109).
/// </param>
/// <param name="HomeDirectory">An absolute path; <c>/</c> where the user has no usable one.</param>
/// <param name="Name">The name in /etc/passwd, or null for an id that is not there.</param>
internal sealed record ResolvedUser(uint UserId, uint GroupId, ImmutableArray<uint> Groups, string HomeDirectory, string? Name);
