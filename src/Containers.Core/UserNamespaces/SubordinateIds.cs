using System.Globalization;
using Containers.Interop;

namespace Containers.UserNamespaces;

/// <summary>
/// The further ids that the administrator gave to a user (subuid(5), subgid(5)), mapped by the set-user-id programs that may do it
/// (newuidmap(1), newgidmap(1)).
/// </summary>
internal sealed class SubordinateIds
{
    private const uint Most = 65535;

    private readonly IdRange _users;
    private readonly IdRange _groups;
    private readonly string _userMapper;
    private readonly string _groupMapper;

    private SubordinateIds(IdRange users, IdRange groups, string userMapper, string groupMapper)
    {
        _users = users;
        _groups = groups;
        _userMapper = userMapper;
        _groupMapper = groupMapper;
    }

    /// <summary>How many further ids of users.</summary>
    public IdRange Users => _users;

    public IdRange Groups => _groups;

    public uint UserCount => _users.Count;

    /// <summary>How many further ids of groups.</summary>
    public uint GroupCount => _groups.Count;

    /// <summary>Those of this process's user; null where there are none, or nothing to map them with.</summary>
    public static SubordinateIds? Find() =>
        RangeIn(SubordinateIdFile.Users) is { } users && RangeIn(SubordinateIdFile.Groups) is { } groups && HostProgram.Find("newuidmap") is { } userMapper && HostProgram.Find("newgidmap") is { } groupMapper
            ? new SubordinateIds(users, groups, userMapper, groupMapper)
            : null;

    /// <summary>Maps this user to 0 and the further ids behind it.</summary>
    /// <param name="pid">A process alone in its user namespace.</param>
    /// <exception cref="ContainerException">The ids could not be mapped.</exception>
    public void Map(int pid)
    {
        Map(pid, "uid_map", _userMapper, Libc.EffectiveUserId(), _users);
        Map(pid, "gid_map", _groupMapper, Libc.EffectiveGroupId(), _groups);
    }

    private static void Map(int pid, string file, string mapper, uint own, IdRange range)
    {
        var number = pid.ToString(CultureInfo.InvariantCulture);
        HelperProcess.Run(mapper, number, "0", Text(own), "1", "1", Text(range.First), Text(range.Count));

        // What counts is what the kernel says, not how the program ended, which someone else may have waited for.
        var map = $"/proc/{number}/{file}";
        if (string.IsNullOrWhiteSpace(File.ReadAllText(map)))
        {
            throw new ContainerException($"map the subordinate ids with {mapper}", map, Errno.EPERM,
                "It must be set-user-id root (or have CAP_SETUID and CAP_SETGID as file capabilities), and the ranges in /etc/subuid and /etc/subgid must be this user's.");
        }
    }

    private static string Text(uint id) => id.ToString(CultureInfo.InvariantCulture);

    /// <summary>The first line for this user, by name or number.</summary>
    private static IdRange? RangeIn(string path)
    {
        var id = Text(Libc.EffectiveUserId());
        foreach (var (owner, range) in SubordinateIdFile.Read(path))
        {
            if (owner == Environment.UserName || owner == id)
            {
                return range with { Count = Math.Min(range.Count, Most) };
            }
        }

        return null;
    }
}
