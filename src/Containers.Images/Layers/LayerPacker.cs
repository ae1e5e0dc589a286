using System.Collections.Immutable;
using System.Security.Cryptography;
using Containers.Interop;
using Containers.Oci;
using Containers.Tar;

namespace Containers.Layers;

/// <summary>
/// Makes an archive of a tree: a layer of an overlay's upper directory, or a flat one of a whole root. The same tree gives the same bytes.
/// The tree is reached by its descriptor alone, and who fills it may go on: nothing is followed, and no file is longer than it was found.
/// </summary>
internal sealed class LayerPacker(PackOptions options)
{
    /// <summary>Packs the tree below a directory.</summary>
    /// <param name="tree">Opened for reading.</param>
    /// <param name="target">Where the uncompressed archive goes; not disposed.</param>
    /// <param name="cancellationToken">Stops in the middle.</param>
    /// <exception cref="ImageException">Something in it cannot be read, or not be said in a layer.</exception>
    public Task<PackedTree> PackAsync(FileDescriptor tree, Stream target, CancellationToken cancellationToken) =>
        PackAsync([new PackedLayer(tree, options.Owners)], target, cancellationToken);

    /// <summary>Packs what an overlay of directories would show.</summary>
    /// <param name="layers">The directories, opened for reading, top first.</param>
    /// <param name="target">Where the uncompressed archive goes; not disposed.</param>
    /// <param name="cancellationToken">Stops in the middle.</param>
    /// <exception cref="ImageException">Something in it cannot be read, or not be said in a layer.</exception>
    public async Task<PackedTree> PackAsync(IReadOnlyList<PackedLayer> layers, Stream target, CancellationToken cancellationToken)
    {
        using var hashed = new HashedStream(target);
        return await DedicatedThread.RunAsync(() =>
        {
            using var writer = new TarWriter(hashed);
            var run = new Run(options, writer, layers.Count > 1, cancellationToken);
            run.Pack(layers, [], 0);
            DedicatedThread.Wait(writer.CompleteAsync(cancellationToken));
            return new PackedTree
            {
                DiffId = hashed.Finish(),
                Size = writer.Length,
                Entries = run.Entries,
                SkippedSockets = run.Sockets,
                ChangedFiles = run.Changed,
            };
        }).ConfigureAwait(false);
    }

    private sealed class Run(PackOptions options, TarWriter writer, bool isMerged, CancellationToken cancellationToken)
    {
        private readonly Dictionary<(ulong FileSystem, ulong Inode), byte[]> _links = [];

        /// <summary>Whose owners are being written.</summary>
        private OwnerMap _owners = options.Owners;

        /// <summary>Directories that are written if something in them is.</summary>
        private readonly List<TarEntry> _pending = [];

        public long Entries { get; private set; }

        public long Sockets { get; private set; }

        public long Changed { get; private set; }

        public void Pack(IReadOnlyList<PackedLayer> layers, byte[] path, int depth)
        {
            if (depth > options.Limits.Depth)
            {
                throw LayerLimits.Exceeded(nameof(LayerLimits.Depth), options.Limits.Depth);
            }

            foreach (var name in Names(layers, path))
            {
                cancellationToken.ThrowIfCancellationRequested();
                byte[] below = path.Length == 0 ? name[..^1] : [.. path, (byte)'/', .. name.AsSpan(..^1)];
                if (!options.Excluded.Any(excluded => excluded.AsSpan().SequenceEqual(below)))
                {
                    PackOne(layers, name, below, path, depth);
                }
            }
        }

        /// <summary>What any of them has, by bytes.</summary>
        private IEnumerable<byte[]> Names(IReadOnlyList<PackedLayer> layers, byte[] path)
        {
            var most = (int)Math.Min(options.Limits.Entries, int.MaxValue);
            return layers.Count == 1
                ? DirectoryNames.Read(layers[0].Directory, path, most)
                : new SortedSet<byte[]>(layers.SelectMany(layer => DirectoryNames.Read(layer.Directory, path, most)), Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
        }

        private void PackOne(IReadOnlyList<PackedLayer> layers, byte[] name, byte[] path, byte[] above, int depth)
        {
            var shown = 0;
            Libc.StatxBuffer status;
            while (!LayerDirectories.TryStat(layers[shown].Directory, name, out status, options.Subordinate))
            {
                if (++shown == layers.Count)
                {
                    Changed++;
                    return;
                }
            }

            if (isMerged && LayerDirectories.IsWhiteout(status))
            {
                return;
            }

            var parent = layers[shown].Directory;
            _owners = layers[shown].Owners;

            if (options.IsUpper && LayerDirectories.IsWhiteout(status))
            {
                WriteMark(above, [.. Whiteout.Prefix, .. name.AsSpan(..^1)], status);
                return;
            }

            if (options.IsUpper && name.AsSpan().StartsWith(Whiteout.Prefix))
            {
                throw new ImageException("pack the layer's file", RawText.Show(path), "By its name it would take away another file. Leave it out, or rename it.");
            }

            switch (TreeFiles.Kind(status))
            {
                case FileKind.Regular:
                    PackFile(parent, name, path, above);
                    break;
                case FileKind.Directory:
                    PackDirectory(layers.Skip(shown), name, path, depth);
                    break;
                case FileKind.SymbolicLink when TreeFiles.ReadLink(parent, name, options.Subordinate) is { } target:
                    WriteNode(TarEntryKind.SymbolicLink, path, status, target);
                    break;
                case FileKind.Fifo:
                    WriteNode(TarEntryKind.Fifo, path, status);
                    break;
                case FileKind.CharacterDevice:
                    WriteNode(TarEntryKind.CharacterDevice, path, status);
                    break;
                case FileKind.BlockDevice:
                    WriteNode(TarEntryKind.BlockDevice, path, status);
                    break;
                case FileKind.Socket:
                    Sockets++;
                    break;
                default:
                    Changed++;
                    break;
            }
        }

        private void PackDirectory(IEnumerable<PackedLayer> layers, byte[] name, byte[] path, int depth)
        {
            var opened = new List<PackedLayer>();
            try
            {
                foreach (var layer in layers)
                {
                    // As overlay merges: down to what is no directory, or hides the rest. What is mounted on one is not of the tree.
                    var isThere = LayerDirectories.TryStat(layer.Directory, name, out var status, options.Subordinate);
                    if (isThere && TreeFiles.Kind(status) != FileKind.Directory)
                    {
                        break;
                    }

                    if (!isThere || LayerDirectories.OpenIn(layer.Directory, name, options.Subordinate) is not { } directory)
                    {
                        continue;
                    }

                    opened.Add(layer with { Directory = directory });
                    if (directory.IsInvalid || (isMerged && TreeFiles.IsOpaque(directory, options.Subordinate)))
                    {
                        break;
                    }
                }

                PackDirectory(opened, path, depth);
            }
            finally
            {
                opened.ForEach(static layer => layer.Directory.Dispose());
            }
        }

        private void PackDirectory(List<PackedLayer> layers, byte[] path, int depth)
        {
            if (layers is not [var (directory, _), ..] || directory.IsInvalid || !TreeFiles.TryStat(directory, out var status))
            {
                SkipOrThrow(path);
                return;
            }

            RefuseMark(directory, "redirect", path);
            var isOpaque = options.IsUpper && TreeFiles.IsOpaque(directory, options.Subordinate);
            _pending.Add(Entry(TarEntryKind.Directory, path, status, xattrs: TreeFiles.Xattrs(directory, options.Subordinate)));
            if (isOpaque || !IsAsBelow(path, _pending[^1]))
            {
                WritePending();
            }

            if (isOpaque)
            {
                WriteMark(path, Whiteout.Opaque, status);
            }

            Pack([.. layers.Where(static layer => !layer.Directory.IsInvalid)], path, depth + 1);

            if (_pending is [.., { } last] && last.Path.Span.SequenceEqual(path))
            {
                _pending.RemoveAt(_pending.Count - 1);
            }
        }

        /// <summary>Overlay copies a directory up for whatever is made in it; that alone is no change.</summary>
        private bool IsAsBelow(byte[] path, TarEntry entry)
        {
            using var below = options.Lower?.Find([.. LayeredFiles.Split(path)]);
            return below is not null && FileStatus.TryGet(below, out var status)
                && status.Kind == FileKind.Directory && (status.Mode, OwnerMap.Inside(options.LowerOwners.Users, status.UserId), OwnerMap.Inside(options.LowerOwners.Groups, status.GroupId)) == (entry.Mode, entry.UserId, entry.GroupId);
        }

        private void WritePending()
        {
            var entries = _pending.ToArray();
            _pending.Clear();
            foreach (var entry in entries)
            {
                Start(entry);
            }
        }

        private void PackFile(FileDescriptor parent, byte[] name, byte[] path, byte[] above)
        {
            using var file = TreeFiles.Open(parent, name, options.Subordinate);
            if (file.IsInvalid || !TreeFiles.TryStat(file, out var status) || TreeFiles.Kind(status) != FileKind.Regular)
            {
                SkipOrThrow(path);
                return;
            }

            if (options.IsUpper && TreeFiles.IsMarkedWhiteout(file, status, options.Subordinate))
            {
                WriteMark(above, [.. Whiteout.Prefix, .. name.AsSpan(..^1)], status);
                return;
            }

            RefuseMark(file, "metacopy", path);
            var identity = (((ulong)status.FileSystemMajor << 32) | status.FileSystemMinor, status.Inode);
            if (status.LinkCount > 1 && !_links.TryAdd(identity, path))
            {
                WriteNode(TarEntryKind.HardLink, path, status, _links[identity]);
                return;
            }

            Start(Entry(TarEntryKind.File, path, status, xattrs: TreeFiles.Xattrs(file, options.Subordinate)));
            if (!CopyContent(file, path, (long)status.Size) || !TreeFiles.TryStat(file, out var after) || after.Size != status.Size
                || after.ModifiedSeconds != status.ModifiedSeconds || after.ModifiedNanoseconds != status.ModifiedNanoseconds)
            {
                Changed++;
            }
        }

        /// <summary>As many bytes as the header says, zeros for what is not there any more; false where that was so.</summary>
        private unsafe bool CopyContent(FileDescriptor file, byte[] path, long size)
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

        private void SkipOrThrow(byte[] path)
        {
            if (ErrnoNames.Last is var errno and not (Errno.None or Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP or Errno.ENXIO))
            {
                throw new ImageException("open to pack", RawText.Show(path), errno);
            }

            Changed++;
        }

        /// <summary>Overlay's marks for content that is elsewhere: without it, the layer would have wrong files.</summary>
        private void RefuseMark(FileDescriptor file, string mark, byte[] path)
        {
            if (options.IsUpper && TreeFiles.OverlayMark(file, mark, options.Subordinate) is not null)
            {
                throw new ImageException("pack", RawText.Show(path), $"Overlay marked it as {mark}: its content is in another layer. Mount with {mark} off.");
            }
        }

        private void WriteNode(TarEntryKind kind, byte[] path, in Libc.StatxBuffer status, byte[]? target = null) => Start(Entry(kind, path, status, target));

        private void WriteMark(byte[] directory, ReadOnlySpan<byte> name, in Libc.StatxBuffer status) => Start(new TarEntry
        {
            Kind = TarEntryKind.File,
            Path = directory.Length == 0 ? name.ToArray() : (byte[])[.. directory, (byte)'/', .. name],
            Mode = 0,
            Modified = Time(status),
        });

        private void Start(TarEntry entry)
        {
            WritePending();
            if (++Entries > options.Limits.Entries)
            {
                throw LayerLimits.Exceeded(nameof(LayerLimits.Entries), options.Limits.Entries);
            }

            if (entry.Size > options.Limits.UncompressedBytes - writer.Length)
            {
                throw LayerLimits.Exceeded(nameof(LayerLimits.UncompressedBytes), options.Limits.UncompressedBytes);
            }

            DedicatedThread.Wait(writer.StartAsync(entry, cancellationToken));
        }

        private TarEntry Entry(TarEntryKind kind, byte[] path, in Libc.StatxBuffer status, byte[]? target = null, IReadOnlyList<TarXattr>? xattrs = null)
        {
            var isDevice = kind is TarEntryKind.CharacterDevice or TarEntryKind.BlockDevice;
            return new TarEntry
            {
                Kind = kind,
                Path = path,
                LinkTarget = target,
                Mode = status.Mode & 0xfffu,
                UserId = Inside(_owners.Users, status.UserId, path),
                GroupId = Inside(_owners.Groups, status.GroupId, path),
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

    /// <summary>Passes on what is written, and knows its digest.</summary>
    private sealed class HashedStream(Stream target) : Stream
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public Digest Finish() => Digest.FromSha256(_hash.GetHashAndReset());

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _hash.AppendData(buffer.Span);
            return target.WriteAsync(buffer, cancellationToken);
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            _hash.AppendData(buffer, offset, count);
            target.Write(buffer, offset, count);
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => target.FlushAsync(cancellationToken);

        public override void Flush() => target.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            _hash.Dispose();
            base.Dispose(disposing);
        }
    }
}
