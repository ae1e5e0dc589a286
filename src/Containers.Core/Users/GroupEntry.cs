namespace Containers.Users;

/// <summary>A line of /etc/group (group(5)): <c>name:password:gid:member,member</c>.</summary>
internal readonly ref struct GroupEntry
{
    private GroupEntry(ReadOnlySpan<byte> name, uint groupId, ReadOnlySpan<byte> members)
    {
        Name = name;
        GroupId = groupId;
        Members = members;
    }

    public ReadOnlySpan<byte> Name { get; }

    public uint GroupId { get; }

    public ReadOnlySpan<byte> Members { get; }

    public static bool TryParse(ReadOnlySpan<byte> line, out GroupEntry entry)
    {
        entry = default;
        if (!AccountLine.TryOpen(line, out var fields) || !fields.TryTake(out var name) || !fields.TryTake(out _) ||
            !fields.TryTakeId(out var groupId))
        {
            return false;
        }

        fields.TryTake(out var members);
        entry = new GroupEntry(name, groupId, members);
        return true;
    }

    public static bool TryFind(ReadOnlySpan<byte> group, ReadOnlySpan<byte> name, out uint groupId)
    {
        foreach (var range in group.Split((byte)'\n'))
        {
            if (TryParse(group[range], out var entry) && entry.Name.SequenceEqual(name))
            {
                groupId = entry.GroupId;
                return true;
            }
        }

        groupId = 0;
        return false;
    }

    public bool Has(ReadOnlySpan<byte> userName)
    {
        foreach (var range in Members.Split((byte)','))
        {
            if (Members[range].SequenceEqual(userName))
            {
                return true;
            }
        }

        return false;
    }
}
