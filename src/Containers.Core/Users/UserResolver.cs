using System.Collections.Immutable;
using System.Text;
using Containers.Specification;

namespace Containers.Users;

/// <summary>
/// Turns a user as written into ids, by the container's own /etc/passwd and /etc/group, as Docker does. Pure: the caller
/// reads the files, at most <see cref="MaxFileBytes"/> of each, and passes nothing for one that does not exist.
/// </summary>
internal static class UserResolver
{
    /// <summary>Above any real one; a file of the container must not decide how much memory the host spends (CVE-2026-47262).</summary>
    public const int MaxFileBytes = 10 << 20;

    /// <summary>NGROUPS_MAX (linux/limits.h).</summary>
    private const int MaxGroups = 65536;

    private const string Passwd = "/etc/passwd";
    private const string Group = "/etc/group";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Resolves a user.</summary>
    /// <exception cref="ContainerException">A name is in neither file, or a file is too large.</exception>
    public static ResolvedUser Resolve(UserSpec user, ReadOnlySpan<byte> passwd, ReadOnlySpan<byte> group)
    {
        RequireSize(passwd, Passwd);
        RequireSize(group, Group);

        var named = !AccountId.TryParse(user.User.AsSpan(), out var userId);
        var found = named
            ? PasswdEntry.TryFind(passwd, Encoding.UTF8.GetBytes(user.User), out var entry)
            : PasswdEntry.TryFind(passwd, userId, out entry);
        if (named && !found)
        {
            throw Unknown("user", user.User, Passwd);
        }

        var groupId = found ? entry.GroupId : 0;
        if (user.Group is not null)
        {
            groupId = FindGroup(user.Group, group);
        }

        var groups = new List<uint> { groupId };
        var seen = new HashSet<uint> { groupId };
        if (user.Group is null && found)
        {
            AddMemberships(entry.Name, group, groups, seen);
        }

        foreach (var asked in user.SupplementaryGroups)
        {
            Add(FindGroup(asked, group), groups, seen);
        }

        return new ResolvedUser(
            found ? entry.UserId : userId,
            groupId,
            [.. groups],
            (found ? ReadText(entry.Home) : null) is ['/', ..] home ? home : "/",
            found ? ReadText(entry.Name) : null);
    }

    private static uint FindGroup(string name, ReadOnlySpan<byte> group)
    {
        if (AccountId.TryParse(name.AsSpan(), out var id))
        {
            return id;
        }

        return GroupEntry.TryFind(group, Encoding.UTF8.GetBytes(name), out id) ? id : throw Unknown("group", name, Group);
    }

    private static void AddMemberships(ReadOnlySpan<byte> userName, ReadOnlySpan<byte> group, List<uint> groups, HashSet<uint> seen)
    {
        foreach (var range in group.Split((byte)'\n'))
        {
            if (GroupEntry.TryParse(group[range], out var entry) && entry.Has(userName))
            {
                Add(entry.GroupId, groups, seen);
            }
        }
    }

    private static void Add(uint groupId, List<uint> groups, HashSet<uint> seen)
    {
        if (!seen.Add(groupId))
        {
            return;
        }

        if (groups.Count == MaxGroups)
        {
            throw new ContainerException(
                "resolve groups", Group, Interop.Errno.None, $"The user is in more than {MaxGroups} groups, the kernel's NGROUPS_MAX");
        }

        groups.Add(groupId);
    }

    /// <summary>Null for what cannot be text of an environment variable: not UTF-8, or with control characters.</summary>
    private static string? ReadText(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            if (b is < 0x20 or 0x7F)
            {
                return null;
            }
        }

        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static void RequireSize(ReadOnlySpan<byte> file, string path)
    {
        if (file.Length > MaxFileBytes)
        {
            throw new ContainerException(
                "read",
                path,
                Interop.Errno.EFBIG,
                $"The file of the container is larger than {MaxFileBytes >> 20} MiB; give the user as numbers, uid:gid, or mend the file");
        }
    }

    private static ContainerException Unknown(string what, string name, string file) => new(
        $"find {what} '{name}' in",
        file,
        Interop.Errno.None,
        $"The container's own file has no such {what}, or the file is missing: add it there, or give the number instead of the name");
}
