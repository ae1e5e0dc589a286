namespace Containers.Users;

/// <summary>What is needed of a line of /etc/passwd (passwd(5)): <c>name:password:uid:gid:comment:home:shell</c>.</summary>
internal readonly ref struct PasswdEntry
{
    private PasswdEntry(ReadOnlySpan<byte> name, uint userId, uint groupId, ReadOnlySpan<byte> home)
    {
        Name = name;
        UserId = userId;
        GroupId = groupId;
        Home = home;
    }

    public ReadOnlySpan<byte> Name { get; }

    public uint UserId { get; }

    public uint GroupId { get; }

    public ReadOnlySpan<byte> Home { get; }

    /// <summary>
    /// The first line with that user id, or with that name where one is given. Lines whose ids are not numbers are skipped,
    /// never read as id 0.
    /// </summary>
    public static bool TryFind(ReadOnlySpan<byte> passwd, uint userId, ReadOnlySpan<byte> name, out PasswdEntry entry)
    {
        foreach (var range in passwd.Split((byte)'\n'))
        {
            if (TryParse(passwd[range], out entry) && (name.IsEmpty ? entry.UserId == userId : entry.Name.SequenceEqual(name)))
            {
                return true;
            }
        }

        entry = default;
        return false;
    }

    private static bool TryParse(ReadOnlySpan<byte> line, out PasswdEntry entry)
    {
        entry = default;
        if (!AccountLine.TryOpen(line, out var fields) || !fields.TryTake(out var name) || !fields.TryTake(out _) ||
            !fields.TryTakeId(out var userId) || !fields.TryTakeId(out var groupId))
        {
            return false;
        }

        var home = fields.TryTake(out _) && fields.TryTake(out var field) ? field : default;
        entry = new PasswdEntry(name, userId, groupId, home);
        return true;
    }
}
