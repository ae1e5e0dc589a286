namespace Containers.Tar;

internal enum TarHeaderKind
{
    /// <summary>Says something of the member that follows.</summary>
    Metadata,

    /// <summary>Says nothing that matters to anybody who unpacks.</summary>
    Ignored,

    Member,
}

/// <summary>Puts together what the headers of one member say: global and own PAX records, GNU tar's long names, the header itself.</summary>
internal sealed class TarHeaderParser(TarLimits limits, PaxRecords? global)
{
    private PaxRecords? _pax;
    private byte[]? _longName;
    private byte[]? _longLink;
    private byte _metadataType;
    private long _metadataTotal;
    private byte _type;
    private ReadOnlyMemory<byte> _path;
    private ReadOnlyMemory<byte> _link;
    private TarTime _modified;
    private long _mode;
    private long _userId;
    private long _groupId;
    private long _deviceMajor;
    private long _deviceMinor;
    private long _realSize = -1;
    private List<long>? _map;
    private long _mapCount = -1;
    private long _mapNumber = -1;

    /// <summary>What global headers said up to here.</summary>
    public PaxRecords? Global { get; private set; } = global;

    /// <summary>No header was read that waits for its member.</summary>
    public bool IsEmpty => _pax is null && _longName is null && _longLink is null;

    public int MetadataLength { get; private set; }

    public long StoredSize { get; private set; }

    public bool NeedsSparseExtension { get; private set; }

    public bool HasMapInContent { get; private set; }

    private PaxRecords? Pax => _pax ?? Global;

    public ImageException Malformed(string what) => new("read the archive", Shown, $"It is malformed: {what}.");

    private string? Shown => _path.IsEmpty ? null : RawText.Show(_path.Span);

    /// <summary>Takes in a header.</summary>
    public TarHeaderKind Read(ReadOnlySpan<byte> block)
    {
        if (!TarHeader.IsChecksumRight(block))
        {
            throw Malformed("a header's checksum is wrong");
        }

        var size = Number(block, TarHeader.Size, "size");
        if (size < 0)
        {
            throw Malformed("a size is negative");
        }

        _type = block[TarHeader.Type];
        switch (_type)
        {
            case (byte)'x' or (byte)'X' or (byte)'g' or (byte)'L' or (byte)'K':
                _metadataTotal += size + TarHeader.BlockSize;
                if (size > limits.MetadataBytes || _metadataTotal > limits.MetadataBytes)
                {
                    throw Exceeded($"the headers of one member have more than {limits.MetadataBytes} bytes");
                }

                _metadataType = _type;
                MetadataLength = (int)size;
                return TarHeaderKind.Metadata;
            case (byte)'V':
                StoredSize = size;
                return TarHeaderKind.Ignored;
            default:
                ReadMember(block, size);
                return TarHeaderKind.Member;
        }
    }

    public void TakeMetadata(byte[] data)
    {
        switch (_metadataType)
        {
            case (byte)'L':
                _longName = TarHeader.Text(data).ToArray();
                break;
            case (byte)'K':
                _longLink = TarHeader.Text(data).ToArray();
                break;
            default:
                var records = _metadataType == 'g' ? Global?.Clone() ?? new PaxRecords() : _pax ?? Global?.Clone() ?? new PaxRecords();
                if (!records.TryRead(data, limits))
                {
                    throw Malformed("a PAX record is none, or asks for more than anybody has");
                }

                _ = _metadataType == 'g' ? Global = records : _pax = records;
                break;
        }
    }

    /// <summary>Old GNU sparse files: blocks of further segments between header and content.</summary>
    public void ReadSparseExtension(ReadOnlySpan<byte> block)
    {
        ReadSegments(block, TarHeader.SparseInExtension);
        NeedsSparseExtension = block[TarHeader.SparseExtensionIsExtended] != 0;
    }

    /// <summary>A block of the map before the content; true where it was the last.</summary>
    public bool ReadSparseMapBlock(ReadOnlySpan<byte> block)
    {
        foreach (var value in block)
        {
            if (value is >= (byte)'0' and <= (byte)'9' && _mapNumber < long.MaxValue / 16)
            {
                _mapNumber = (Math.Max(_mapNumber, 0) * 10) + (value - '0');
                continue;
            }

            if (value != '\n' || _mapNumber < 0)
            {
                throw Malformed("its map of holes is no list of numbers");
            }

            if (_mapCount < 0)
            {
                _mapCount = _mapNumber;
                _map = [];
                if (_mapCount > limits.SparseSegments)
                {
                    throw TooManySegments();
                }
            }
            else
            {
                _map!.Add(_mapNumber);
            }

            _mapNumber = -1;
            if (_map!.Count == 2 * _mapCount)
            {
                return true;
            }
        }

        return false;
    }

    public TarEntry ToEntry(long stored)
    {
        var segments = Segments(stored);
        return new TarEntry
        {
            Kind = Kind(),
            Path = _path,
            LinkTarget = _link,
            Mode = (uint)_mode & 0xfff,
            UserId = Id(_userId, "owner"),
            GroupId = Id(_groupId, "group"),
            Size = segments is null ? stored : _realSize,
            Modified = Pax?.Modified ?? _modified,
            DeviceMajor = Device(_deviceMajor),
            DeviceMinor = Device(_deviceMinor),
            Xattrs = Pax?.Xattrs ?? [],
            Segments = segments,
        };
    }

    private void ReadMember(ReadOnlySpan<byte> block, long size)
    {
        var magic = block[TarHeader.Magic];
        var name = TarHeader.Text(block[TarHeader.Name]);
        if (magic.StartsWith("ustar\0"u8) && TarHeader.Text(block[TarHeader.Prefix]) is { IsEmpty: false } prefix)
        {
            // star ends its header with a mark, and has times where ustar's prefix ends.
            prefix = block[508..].SequenceEqual("tar\0"u8) ? prefix[..Math.Min(prefix.Length, 131)] : prefix;
            _path = (byte[])[.. prefix, (byte)'/', .. name];
        }
        else
        {
            _path = name.ToArray();
        }

        _path = _longName ?? Pax?.SparseName ?? Pax?.Path ?? _path;
        _link = _longLink ?? Pax?.LinkPath ?? TarHeader.Text(block[TarHeader.LinkName]).ToArray();
        if (_path.Length > limits.PathLength || _link.Length > limits.PathLength)
        {
            throw Exceeded($"a name is longer than {limits.PathLength} bytes");
        }

        _mode = Number(block, TarHeader.Mode, "mode");
        _userId = Pax?.UserId ?? Number(block, TarHeader.UserId, "owner");
        _groupId = Pax?.GroupId ?? Number(block, TarHeader.GroupId, "group");
        _modified = new TarTime(Number(block, TarHeader.Modified, "time"));
        if (_type is (byte)'3' or (byte)'4')
        {
            _deviceMajor = Number(block, TarHeader.DeviceMajor, "device");
            _deviceMinor = Number(block, TarHeader.DeviceMinor, "device");
        }

        // These have no content, whatever their size says: a hard link may be written with that of its target.
        StoredSize = _type is >= (byte)'1' and <= (byte)'6' ? 0 : Pax?.Size ?? size;
        if (_type == 'S')
        {
            _map = [];
            _realSize = Number(block, TarHeader.SparseRealSize, "size");
            ReadSegments(block[TarHeader.SparseStart..], TarHeader.SparseInHeader);
            NeedsSparseExtension = block[TarHeader.SparseIsExtended] != 0;
        }
        else if (Pax is { SparseSize: { } sparseSize } pax && Kind() == TarEntryKind.File)
        {
            _realSize = sparseSize;
            _map = pax.SparseMap is null ? null : [.. pax.SparseMap];
            HasMapInContent = pax.HasMapInContent;
        }
    }

    private void ReadSegments(ReadOnlySpan<byte> block, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var segment = block.Slice(i * TarHeader.SparseLength, TarHeader.SparseLength);
            if (segment[0] == 0)
            {
                return;
            }

            if (!TarHeader.TryNumber(segment[..12], out var offset) || !TarHeader.TryNumber(segment[12..], out var length))
            {
                throw Malformed("its map of holes has something else than numbers");
            }

            if (_map!.Count >= 2 * limits.SparseSegments)
            {
                throw TooManySegments();
            }

            _map.Add(offset);
            _map.Add(length);
        }
    }

    /// <summary>The map checked: in order, within the file, and of as many bytes as are stored.</summary>
    private SparseSegment[]? Segments(long stored)
    {
        if (_map is null)
        {
            return null;
        }

        var segments = new SparseSegment[_map.Count / 2];
        var (end, total) = (0L, 0L);
        for (var i = 0; i < segments.Length; i++)
        {
            var segment = new SparseSegment(_map[2 * i], _map[(2 * i) + 1]);
            if (segment.Offset < end || segment.Length < 0 || segment.Length > _realSize - segment.Offset)
            {
                throw Malformed("its map of holes is out of order or past the end");
            }

            segments[i] = segment;
            end = segment.Offset + segment.Length;
            total += segment.Length;
        }

        return total == stored && _map.Count % 2 == 0 ? segments : throw Malformed("its map of holes does not fit what is stored");
    }

    private TarEntryKind Kind() => _type switch
    {
        // Before POSIX, a slash at the end was what made a directory.
        0 when _path.Span is [.., (byte)'/'] => TarEntryKind.Directory,
        0 or (byte)'0' or (byte)'7' or (byte)'S' => TarEntryKind.File,
        (byte)'1' => TarEntryKind.HardLink,
        (byte)'2' => TarEntryKind.SymbolicLink,
        (byte)'3' => TarEntryKind.CharacterDevice,
        (byte)'4' => TarEntryKind.BlockDevice,
        (byte)'5' or (byte)'D' => TarEntryKind.Directory,
        (byte)'6' => TarEntryKind.Fifo,
        _ => throw new ImageException("read the archive", Shown, $"A member has the type '{RawText.Show([_type])}', which no image uses."),
    };

    private long Number(ReadOnlySpan<byte> block, Range field, string what) =>
        TarHeader.TryNumber(block[field], out var value) ? value : throw Malformed($"a {what} is no number");

    private uint Id(long id, string what) =>
        id is >= 0 and < uint.MaxValue ? (uint)id : throw Malformed($"its {what} is {id}, and ids are from 0 to {uint.MaxValue - 1}");

    private uint Device(long number) => number is >= 0 and <= uint.MaxValue ? (uint)number : throw Malformed("a device number is out of range");

    private ImageException Exceeded(string what) => new("read the archive", Shown, $"It is past a limit: {what}.");

    private ImageException TooManySegments() => Exceeded($"a file has more than {limits.SparseSegments} segments");
}
