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

    /// <summary>The first line with that user id; there may be none.</summary>
    public static bool TryFind(ReadOnlySpan<byte> passwd, uint userId, out PasswdEntry entry)
    {
        foreach (var range in passwd.Split((byte)'\n'))
        {
            if (TryParse(passwd[range], out entry) && entry.UserId == userId)
            {
                return true;
            }
        }

        entry = default;
        return false;
    }

    /// <summary>The first line with that name; there may be none.</summary>
    public static bool TryFind(ReadOnlySpan<byte> passwd, ReadOnlySpan<byte> name, out PasswdEntry entry)
    {
        foreach (var range in passwd.Split((byte)'\n'))
        {
            if (TryParse(passwd[range], out entry) && entry.Name.SequenceEqual(name))
            {
                return true;
            }
        }

        entry = default;
        return false;
    }

    // A line whose ids are not numbers is skipped: read as Docker does, it would be a second root.
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
