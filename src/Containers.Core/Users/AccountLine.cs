namespace Containers.Users;

/// <summary>
/// Takes the fields of one line of passwd(5) or group(5) from left to right. The bytes come from the container's own
/// files and may be anything.
/// </summary>
internal ref struct AccountLine
{
    /// <summary>Longer lines are skipped: a group of 10,000 members fits.</summary>
    private const int MaxBytes = 1 << 20;

    private ReadOnlySpan<byte> _rest;
    private bool _ended;

    private AccountLine(ReadOnlySpan<byte> line)
    {
        _rest = line;
        _ended = false;
    }

    /// <summary>False for lines that cannot be an account: empty, a comment, an NIS entry, too long or with a NUL.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> line, out AccountLine fields)
    {
        fields = new AccountLine(line);
        return line.Length is > 0 and <= MaxBytes &&
            line[0] is not ((byte)'#' or (byte)'+' or (byte)'-' or (byte)':') && !line.Contains((byte)0);
    }

    /// <summary>The next field, up to a colon or the end; false when there is none.</summary>
    public bool TryTake(out ReadOnlySpan<byte> field)
    {
        field = _rest;
        if (_ended)
        {
            return false;
        }

        var colon = _rest.IndexOf((byte)':');
        if (colon < 0)
        {
            _ended = true;
            _rest = default;
            return true;
        }

        field = _rest[..colon];
        _rest = _rest[(colon + 1)..];
        return true;
    }

    public bool TryTakeId(out uint id)
    {
        id = 0;
        return TryTake(out var field) && AccountId.TryParse(field, out id);
    }
}
