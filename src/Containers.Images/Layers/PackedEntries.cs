using System.Collections.Immutable;
using Containers.Interop;
using Containers.Tar;

namespace Containers.Layers;

/// <summary>The entries of an archive that is being packed: what the tree says of a file, in the archive's words, within the limits.</summary>
internal sealed class PackedEntries(PackOptions options, TarWriter writer, CancellationToken cancellationToken)
{
    /// <summary>Directories that are written if something in them is.</summary>
    private readonly List<TarEntry> _deferred = [];

    /// <summary>How many there are.</summary>
    public long Count { get; private set; }

    /// <summary>Whose owners are being written.</summary>
    public OwnerMap Owners { get; set; } = options.Owners;

    /// <summary>Writes a directory when something in it is written, before that.</summary>
    public void Defer(TarEntry directory) => _deferred.Add(directory);

    public void WriteDeferred()
    {
        var deferred = _deferred.ToArray();
        _deferred.Clear();
        foreach (var entry in deferred)
        {
            Start(entry);
        }
    }

    /// <summary>Nothing in this directory was written: then neither is it.</summary>
    public void Drop(byte[] path)
    {
        if (_deferred is [.., { } last] && last.Path.Span.SequenceEqual(path))
        {
            _deferred.RemoveAt(_deferred.Count - 1);
        }
    }

    /// <summary>As many bytes as the header says, zeros for what is not there any more; false where that was so.</summary>
    public unsafe bool CopyContent(FileDescriptor file, byte[] path, long size)
    {
        var isWhole = true;
        while (size > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var memory = DedicatedThread.Wait(writer.GetMemoryAsync(cancellationToken));
            nint read = 0;
            if (isWhole)
            {
                fixed (byte* start = memory.Span)
                {
                    read = Libc.Read(file, start, (nuint)memory.Length);
                }
            }

            if (read < 0)
            {
                throw new ImageException("read", RawText.Show(path), ErrnoNames.Last);
            }

            if (read == 0)
            {
                isWhole = false;
                memory.Span.Clear();
                read = memory.Length;
            }

            writer.Advance((int)read);
            size -= read;
        }

        return isWhole;
    }

    public void WriteNode(TarEntryKind kind, byte[] path, in Libc.StatxBuffer status, byte[]? target = null) => Start(Entry(kind, path, status, target));

    public void WriteMark(byte[] directory, ReadOnlySpan<byte> name, in Libc.StatxBuffer status) => Start(new TarEntry
    {
        Kind = TarEntryKind.File,
        Path = directory.Length == 0 ? name.ToArray() : (byte[])[.. directory, (byte)'/', .. name],
        Mode = 0,
        Modified = Time(status),
    });

    public void Start(TarEntry entry)
    {
        WriteDeferred();
        if (++Count > options.Limits.Entries)
        {
            throw LayerLimits.Exceeded(nameof(LayerLimits.Entries), options.Limits.Entries);
        }

        if (entry.Size > options.Limits.UncompressedBytes - writer.Length)
        {
            throw LayerLimits.Exceeded(nameof(LayerLimits.UncompressedBytes), options.Limits.UncompressedBytes);
        }

        DedicatedThread.Wait(writer.StartAsync(entry, cancellationToken));
    }

    public TarEntry Entry(TarEntryKind kind, byte[] path, in Libc.StatxBuffer status, byte[]? target = null, IReadOnlyList<TarXattr>? xattrs = null)
    {
        var isDevice = kind is TarEntryKind.CharacterDevice or TarEntryKind.BlockDevice;
        return new TarEntry
        {
            Kind = kind,
            Path = path,
            LinkTarget = target,
            Mode = status.Mode & 0xfffu,
            UserId = Inside(Owners.Users, status.UserId, path),
            GroupId = Inside(Owners.Groups, status.GroupId, path),
            Size = kind == TarEntryKind.File ? (long)status.Size : 0,
            Modified = Time(status),
            DeviceMajor = isDevice ? status.DeviceMajor : 0,
            DeviceMinor = isDevice ? status.DeviceMinor : 0,
            Xattrs = xattrs ?? [],
        };
    }

    private TarTime Time(in Libc.StatxBuffer status) =>
        new(status.ModifiedSeconds, options.HasNanoseconds ? (int)status.ModifiedNanoseconds : 0);

    private static uint Inside(ImmutableArray<OwnerRange> ranges, uint id, byte[] path) => OwnerMap.Inside(ranges, id)
        ?? throw new ImageException("pack", RawText.Show(path), $"It belongs to the id {id} of the host, which is none of the container's.");
}
