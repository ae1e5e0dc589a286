using System.Buffers;
using System.Globalization;
using System.Text;

namespace Containers.Tar;

/// <summary>The headers of a member as bytes: ustar's, and before it a PAX header with only what does not fit there.</summary>
internal static class TarHeaderWriter
{
    private const long MostOctal7 = (1L << 21) - 1;
    private const long MostOctal11 = (1L << 33) - 1;
    private const int NameLength = 100;
    private const int PrefixLength = 155;

    /// <summary>Every member's name in a PAX header of its own; readers take no notice of it.</summary>
    private static ReadOnlySpan<byte> PaxName => "PaxHeaders.0/"u8;

    /// <summary>One or two pieces, each of whole blocks.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> Blocks(TarEntry entry)
    {
        var path = NameOf(entry);
        var records = Records(entry, path);
        if (records.WrittenCount > 0)
        {
            var name = PaxNameOf(path);
            var padded = new byte[TarHeader.BlockSize + ((records.WrittenCount + TarHeader.BlockSize - 1) & -TarHeader.BlockSize)];
            WriteHeader(padded, (byte)'x', name, [], default, 0x1A4, 0, 0, records.WrittenCount, 0, 0, 0);
            records.WrittenSpan.CopyTo(padded.AsSpan(TarHeader.BlockSize));
            yield return padded;
        }

        var block = new byte[TarHeader.BlockSize];
        var (rest, prefix) = TrySplit(path, out var at) ? (path[(at + 1)..], at < 0 ? default : path[..at]) : (path[..NameLength], default);
        var size = entry.Kind == TarEntryKind.File ? entry.Size : 0;
        WriteHeader(
            block, Type(entry.Kind), rest.Span, prefix.Span, entry.LinkTarget.Span[..Math.Min(entry.LinkTarget.Length, NameLength)], entry.Mode,
            Fitting(entry.UserId, MostOctal7), Fitting(entry.GroupId, MostOctal7), Fitting(size, MostOctal11), Fitting(entry.Modified.Seconds, MostOctal11),
            entry.DeviceMajor, entry.DeviceMinor);
        yield return block;
    }

    private static long Fitting(long value, long most) => value >= 0 && value <= most ? value : 0;

    private static ReadOnlyMemory<byte> NameOf(TarEntry entry)
    {
        var path = entry.Path;
        if (path.IsEmpty || path.Span.Contains((byte)0) || entry.LinkTarget.Span.Contains((byte)0))
        {
            throw new ImageException("write to the archive", entry.ToString(), "No name can be empty or have a NUL in it.");
        }

        return entry.Kind == TarEntryKind.Directory && path.Span[^1] != '/' ? (byte[])[.. path.Span, (byte)'/'] : path;
    }

    private static ReadOnlySpan<byte> PaxNameOf(ReadOnlyMemory<byte> path)
    {
        var name = path.Span.TrimEnd((byte)'/');
        name = name[(name.LastIndexOf((byte)'/') + 1)..];
        return (byte[])[.. PaxName, .. name[..Math.Min(name.Length, NameLength - PaxName.Length)]];
    }

    private static ArrayBufferWriter<byte> Records(TarEntry entry, ReadOnlyMemory<byte> path)
    {
        var records = new ArrayBufferWriter<byte>();
        if (entry.GroupId > MostOctal7)
        {
            Add(records, "gid"u8, Digits(entry.GroupId));
        }

        if (entry.LinkTarget.Length > NameLength)
        {
            Add(records, "linkpath"u8, entry.LinkTarget.Span);
        }

        if (entry.Modified.Nanoseconds != 0 || entry.Modified.Seconds is < 0 or > MostOctal11)
        {
            Add(records, "mtime"u8, Time(entry.Modified));
        }

        if (!TrySplit(path, out _))
        {
            Add(records, "path"u8, path.Span);
        }

        if (entry.Kind == TarEntryKind.File && entry.Size > MostOctal11)
        {
            Add(records, "size"u8, Digits(entry.Size));
        }

        if (entry.UserId > MostOctal7)
        {
            Add(records, "uid"u8, Digits(entry.UserId));
        }

        foreach (var xattr in entry.Xattrs.OrderBy(xattr => xattr.Name, Comparer<ReadOnlyMemory<byte>>.Create((a, b) => a.Span.SequenceCompareTo(b.Span))))
        {
            Add(records, (byte[])[.. "SCHILY.xattr."u8, .. xattr.Name.Span], xattr.Value.Span);
        }

        return records;
    }

    private static byte[] Digits(long value) => Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture));

    private static byte[] Time(TarTime time)
    {
        var (sign, seconds, nanoseconds) = time switch
        {
            { Seconds: >= 0 } => (string.Empty, time.Seconds, time.Nanoseconds),
            { Nanoseconds: 0 } => ("-", -time.Seconds, 0),
            _ => ("-", -(time.Seconds + 1), 1_000_000_000 - time.Nanoseconds),
        };
        var text = string.Create(CultureInfo.InvariantCulture, $"{sign}{seconds}");
        return Encoding.ASCII.GetBytes(nanoseconds == 0 ? text : text + string.Create(CultureInfo.InvariantCulture, $".{nanoseconds:D9}").TrimEnd('0'));
    }

    /// <summary>A record's length counts its own digits.</summary>
    private static void Add(ArrayBufferWriter<byte> records, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var without = key.Length + value.Length + 3;
        var length = without;
        while (length != without + Digits(length).Length)
        {
            length = without + Digits(length).Length;
        }

        records.Write(Digits(length));
        records.Write(" "u8);
        records.Write(key);
        records.Write("="u8);
        records.Write(value);
        records.Write("\n"u8);
    }

    /// <summary>Where the slash is that splits a long path between the two fields; -1 where it needs no splitting.</summary>
    private static bool TrySplit(ReadOnlyMemory<byte> path, out int at)
    {
        at = -1;
        if (path.Length <= NameLength)
        {
            return true;
        }

        var span = path.Span;
        at = span[..Math.Min(span.Length - 1, PrefixLength + 1)].LastIndexOf((byte)'/');
        return at > 0 && span.Length - at - 1 <= NameLength;
    }

    private static byte Type(TarEntryKind kind) => kind switch
    {
        TarEntryKind.File => (byte)'0',
        TarEntryKind.HardLink => (byte)'1',
        TarEntryKind.SymbolicLink => (byte)'2',
        TarEntryKind.CharacterDevice => (byte)'3',
        TarEntryKind.BlockDevice => (byte)'4',
        TarEntryKind.Directory => (byte)'5',
        _ => (byte)'6',
    };

    private static void WriteHeader(
        Span<byte> block, byte type, ReadOnlySpan<byte> name, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> link, uint mode,
        long user, long group, long size, long modified, uint major, uint minor)
    {
        name.CopyTo(block[TarHeader.Name]);
        Octal(block[TarHeader.Mode], mode);
        Octal(block[TarHeader.UserId], user);
        Octal(block[TarHeader.GroupId], group);
        Octal(block[TarHeader.Size], size);
        Octal(block[TarHeader.Modified], modified);
        block[TarHeader.Type] = type;
        link.CopyTo(block[TarHeader.LinkName]);
        TarHeader.Ustar.CopyTo(block[TarHeader.Magic]);
        Octal(block[TarHeader.DeviceMajor], major);
        Octal(block[TarHeader.DeviceMinor], minor);
        prefix.CopyTo(block[TarHeader.Prefix]);
        var checksum = block[TarHeader.Checksum];
        Octal(checksum[..7], TarHeader.Sum(block[..TarHeader.BlockSize]).Unsigned);
        checksum[7] = (byte)' ';
    }

    private static void Octal(Span<byte> field, long value)
    {
        for (var i = field.Length - 2; i >= 0; i--)
        {
            field[i] = (byte)('0' + (value & 7));
            value >>= 3;
        }

        field[^1] = 0;
    }
}
