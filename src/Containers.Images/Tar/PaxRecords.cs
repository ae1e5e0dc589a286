using System.Buffers.Text;

namespace Containers.Tar;

/// <summary>
/// The records of PAX headers that mean something here (POSIX.1-2001 pax, star's attributes, GNU tar's sparse formats 0.0, 0.1 and 1.0).
/// What a global header said holds for every member until its own header says otherwise.
/// </summary>
internal sealed class PaxRecords
{
    private readonly List<TarXattr> _xattrs = [];

    private List<long>? _sparseMap;
    private long _sparseMajor;

    public ReadOnlyMemory<byte>? Path { get; private set; }

    public ReadOnlyMemory<byte>? LinkPath { get; private set; }

    public long? Size { get; private set; }

    public long? UserId { get; private set; }

    public long? GroupId { get; private set; }

    public TarTime? Modified { get; private set; }

    public IReadOnlyList<TarXattr> Xattrs => _xattrs;

    public ReadOnlyMemory<byte>? SparseName { get; private set; }

    public long? SparseSize { get; private set; }

    /// <summary>Offsets and lengths in turn; null where there is no map, or where it stands before the content.</summary>
    public IReadOnlyList<long>? SparseMap => _sparseMap;

    /// <summary>Sparse format 1.0.</summary>
    public bool HasMapInContent => _sparseMajor > 0;

    public PaxRecords Clone()
    {
        var copy = new PaxRecords { Path = Path, LinkPath = LinkPath, Size = Size, UserId = UserId, GroupId = GroupId, Modified = Modified };
        copy._xattrs.AddRange(_xattrs);
        return copy;
    }

    /// <summary>Takes over the records <c>length key=value\n</c>; false where they are malformed.</summary>
    public bool TryRead(ReadOnlyMemory<byte> data, TarLimits limits)
    {
        while (!data.IsEmpty)
        {
            var span = data.Span;
            if (!Utf8Parser.TryParse(span, out int length, out var digits) || length > span.Length || length <= digits + 1
                || span[0] is < (byte)'0' or > (byte)'9' || span[digits] != ' ' || span[length - 1] != '\n')
            {
                return false;
            }

            var record = data[(digits + 1)..(length - 1)];
            var equals = record.Span.IndexOf((byte)'=');
            if (equals <= 0 || !TryTake(record.Span[..equals], record[..equals], record[(equals + 1)..], limits))
            {
                return false;
            }

            data = data[length..];
        }

        return true;
    }

    private static ReadOnlySpan<byte> XattrPrefix => "SCHILY.xattr."u8;

    private bool TryTake(ReadOnlySpan<byte> key, ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> value, TarLimits limits)
    {
        if (key.StartsWith(XattrPrefix))
        {
            return TryAddXattr(name[XattrPrefix.Length..], value);
        }

        // An empty value takes back what a global header said.
        var isSet = !value.IsEmpty;
        switch (key)
        {
            case var _ when key.SequenceEqual("path"u8):
                Path = isSet ? value : null;
                return !value.Span.Contains((byte)0);
            case var _ when key.SequenceEqual("linkpath"u8):
                LinkPath = isSet ? value : null;
                return !value.Span.Contains((byte)0);
            case var _ when key.SequenceEqual("size"u8):
                return TryNumber(value.Span, out var size) && ((Size = size) is null or >= 0);
            case var _ when key.SequenceEqual("uid"u8):
                return TryNumber(value.Span, out var user) && ((UserId = user) is null or >= 0);
            case var _ when key.SequenceEqual("gid"u8):
                return TryNumber(value.Span, out var group) && ((GroupId = group) is null or >= 0);
            case var _ when key.SequenceEqual("mtime"u8):
                var isTime = TryTime(value.Span, out var time);
                Modified = time;
                return isTime;
            case var _ when key.StartsWith("GNU.sparse."u8):
                return TryTakeSparse(key["GNU.sparse.".Length..], value, limits);
            default:
                return true;
        }
    }

    private bool TryAddXattr(ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> value)
    {
        // No name that the kernel would see the end of earlier than we do.
        if (name.IsEmpty || name.Length > 255 || name.Span.Contains((byte)0) || value.Length > 65536)
        {
            return false;
        }

        for (var i = 0; i < _xattrs.Count; i++)
        {
            if (_xattrs[i].Name.Span.SequenceEqual(name.Span))
            {
                _xattrs[i] = new TarXattr(name, value);
                return true;
            }
        }

        // Each is a system call; a file system has no room for that many.
        _xattrs.Add(new TarXattr(name, value));
        return _xattrs.Count <= 1024;
    }

    private bool TryTakeSparse(ReadOnlySpan<byte> key, ReadOnlyMemory<byte> value, TarLimits limits)
    {
        switch (key)
        {
            case var _ when key.SequenceEqual("name"u8):
                SparseName = value;
                return !value.IsEmpty && !value.Span.Contains((byte)0);
            case var _ when key.SequenceEqual("size"u8) || key.SequenceEqual("realsize"u8):
                return TryNumber(value.Span, out var size) && ((SparseSize = size) is >= 0);
            case var _ when key.SequenceEqual("major"u8):
                return TryNumber(value.Span, out var major) && (_sparseMajor = major ?? 0) is 0 or 1;
            case var _ when key.SequenceEqual("minor"u8) || key.SequenceEqual("numblocks"u8):
                return TryNumber(value.Span, out var number) && (!key.SequenceEqual("numblocks"u8) || number <= limits.SparseSegments);
            case var _ when key.SequenceEqual("offset"u8) || key.SequenceEqual("numbytes"u8):
                // Format 0.0: pairs, in this order.
                return (_sparseMap ??= []).Count % 2 == (key[0] == 'o' ? 0 : 1) && TryAddToMap(value.Span, limits);
            case var _ when key.SequenceEqual("map"u8):
                _sparseMap = [];
                foreach (var part in value.Span.Split((byte)','))
                {
                    if (!TryAddToMap(value.Span[part], limits))
                    {
                        return false;
                    }
                }

                return _sparseMap.Count % 2 == 0;
            default:
                return true;
        }
    }

    private bool TryAddToMap(ReadOnlySpan<byte> digits, TarLimits limits)
    {
        if (_sparseMap!.Count >= 2 * limits.SparseSegments || digits.IsEmpty || !TarHeader.TryDecimal(digits, out var number))
        {
            return false;
        }

        _sparseMap.Add(number);
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, out long? value)
    {
        value = null;
        if (text.IsEmpty)
        {
            return true;
        }

        var isNumber = TarHeader.TryDecimal(text, out var number);
        value = number;
        return isNumber;
    }

    private static bool TryTime(ReadOnlySpan<byte> text, out TarTime? time)
    {
        time = null;
        if (text.IsEmpty)
        {
            return true;
        }

        var isNegative = text[0] == '-';
        var point = text.IndexOf((byte)'.');
        var whole = text[(isNegative ? 1 : 0)..(point < 0 ? text.Length : point)];
        var fraction = point < 0 ? [] : text[(point + 1)..];
        if (whole.IsEmpty || !TarHeader.TryDecimal(whole, out var seconds) || fraction.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return false;
        }

        var nanoseconds = 0;
        for (var i = 0; i < 9; i++)
        {
            nanoseconds = (nanoseconds * 10) + (i < fraction.Length ? fraction[i] - '0' : 0);
        }

        time = !isNegative ? new TarTime(seconds, nanoseconds)
            : nanoseconds == 0 ? new TarTime(-seconds)
            : new TarTime(-seconds - 1, 1_000_000_000 - nanoseconds);
        return true;
    }
}
