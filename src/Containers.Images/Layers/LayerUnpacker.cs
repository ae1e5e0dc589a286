using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Containers.Interop;
using Containers.Oci;
using Containers.Tar;

namespace Containers.Layers;

/// <summary>
/// Unpacks layers into directories that overlay can mount. What fails leaves a directory half made, which its maker removes whole.
/// Reading, decompressing and the digest are done by one thread, files by another.
/// </summary>
internal sealed class LayerUnpacker(ILayerOwners owners, LayerLimits limits, DeviceNodes devices = DeviceNodes.Skip)
{
    /// <summary>As much as one thread may be ahead of the other. Three layers at once then take no more buffers than the shared pool keeps.</summary>
    private const int PipeSize = 1 << 19;
    private const int SegmentSize = 1 << 16;

    /// <summary>Unpacks one uncompressed layer.</summary>
    /// <param name="layer">The archive; read to its end, not disposed.</param>
    /// <param name="directory">Empty, and nobody else's: its parent has mode 0700.</param>
    /// <param name="cancellationToken">Stops in the middle.</param>
    /// <exception cref="ImageException">The layer is malformed, past a limit, or cannot be unpacked here.</exception>
    public async Task<UnpackedLayer> UnpackAsync(Stream layer, FileDescriptor directory, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pipe = new Pipe(new PipeOptions(
            pauseWriterThreshold: PipeSize, resumeWriterThreshold: PipeSize / 2, minimumSegmentSize: SegmentSize, useSynchronizationContext: false));
        var feed = Task.Run(() => FeedAsync(layer, pipe.Writer, stop.Token), CancellationToken.None);
        var unpacked = DedicatedThread.RunAsync(() => Unpack(pipe.Reader.AsStream(), directory, stop.Token));
        UnpackedLayer made;
        try
        {
            made = await unpacked.ConfigureAwait(false);
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await pipe.Reader.CompleteAsync().ConfigureAwait(false);
            await ((Task)feed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        var (digest, size) = await feed.ConfigureAwait(false);
        return made with { DiffId = digest, Size = size };
    }

    private async Task<(Digest DiffId, long Size)> FeedAsync(Stream layer, PipeWriter writer, CancellationToken cancellationToken)
    {
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            long size = 0;
            while (true)
            {
                var memory = writer.GetMemory(SegmentSize);
                var read = await layer.ReadAsync(memory, cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    break;
                }

                hash.AppendData(memory.Span[..read]);
                if ((size += read) > limits.UncompressedBytes)
                {
                    throw LayerLimits.Exceeded(nameof(LayerLimits.UncompressedBytes), limits.UncompressedBytes);
                }

                writer.Advance(read);
                await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
            }

            await writer.CompleteAsync().ConfigureAwait(false);
            return (Digest.FromSha256(hash.GetHashAndReset()), size);
        }
        catch (Exception exception)
        {
            await writer.CompleteAsync(exception).ConfigureAwait(false);
            throw;
        }
    }

    private UnpackedLayer Unpack(Stream archive, FileDescriptor directory, CancellationToken cancellationToken)
    {
        using var reader = new TarReader(archive, limits.Tar);
        using var tree = new LayerTree(directory, owners);
        var path = new LayerPath();
        var (entries, bytes, whole, whiteouts, skipped) = (0L, 0L, 0L, 0L, 0L);
        var isOpaque = false;
        while (DedicatedThread.Wait(reader.ReadEntryAsync(cancellationToken)) is { } entry)
        {
            if (++entries > limits.Entries)
            {
                throw LayerLimits.Exceeded(nameof(LayerLimits.Entries), limits.Entries);
            }

            path.Set(entry.Path.Span, limits.Depth);
            if (entry.Kind == TarEntryKind.Directory && (path.IsRoot || !path.Leaf.StartsWith(Whiteout.Prefix)) && !IsReserved(path))
            {
                tree.MakeDirectory(path, entry);
                continue;
            }

            if (path.IsRoot)
            {
                throw LayerPath.Refused(entry.Path.Span, "It would replace the layer's root, which is a directory.");
            }

            // umoci whites out each file of a directory that it replaces by a file: there is nothing below that any more.
            if (path.Leaf.StartsWith(Whiteout.Prefix) && tree.Directories.IsBelowFile(path.Parent))
            {
                continue;
            }

            if (path.Leaf[..^1].SequenceEqual(Whiteout.Opaque) && !Whiteout.IsReserved(path.Parent))
            {
                whiteouts++;
                isOpaque |= path.Parent.Length == 1;
                if (path.Parent.Length > 1)
                {
                    tree.Directories.MarkOpaque(tree.Directories.OpenParent(path.Parent), ".\0"u8, path.Parent);
                }

                continue;
            }

            if (IsReserved(path))
            {
                continue;
            }

            if (path.Leaf.StartsWith(Whiteout.Prefix))
            {
                var name = path.Leaf[Whiteout.Prefix.Length..];
                if (LayerPath.IsNoName(name))
                {
                    throw LayerPath.Refused(entry.Path.Span, "It is a whiteout of no name that anything can have.");
                }

                whiteouts++;
                tree.MakeWhiteout(tree.Directories.OpenParent(path.Parent), path, name);
                continue;
            }

            if (entry.Kind is TarEntryKind.CharacterDevice or TarEntryKind.BlockDevice)
            {
                skipped++;
                if (devices == DeviceNodes.Refuse)
                {
                    throw LayerPath.Refused(entry.Path.Span, "It is a device, and layers with devices are not to be unpacked.");
                }

                continue;
            }

            var parent = tree.Directories.OpenParent(path.Parent);
            switch (entry.Kind)
            {
                case TarEntryKind.File:
                    if (entry.Size > limits.FileBytes - whole)
                    {
                        throw LayerLimits.Exceeded(nameof(LayerLimits.FileBytes), limits.FileBytes);
                    }

                    whole += entry.Size;
                    using (var file = tree.CreateFile(parent, path, entry))
                    {
                        bytes += WriteContent(reader, file, path, entry, cancellationToken);
                        tree.FinishFile(file, path, entry);
                    }

                    break;
                case TarEntryKind.HardLink:
                    tree.MakeHardLink(parent, path, entry);
                    break;
                case TarEntryKind.SymbolicLink:
                    tree.MakeSymbolicLink(parent, path, entry);
                    break;
                default:
                    tree.MakeFifo(parent, path, entry);
                    break;
            }
        }

        tree.FinishDirectories();
        DedicatedThread.Wait(reader.DrainAsync(cancellationToken));
        return new UnpackedLayer
        {
            DiffId = default,
            Size = 0,
            Entries = entries,
            FileBytes = bytes,
            Whiteouts = whiteouts,
            ImplicitDirectories = [.. tree.HasRoot ? [] : (byte[][])[[]], .. tree.Directories.Implicit.Order(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)))],
            IsOpaque = isOpaque,
            SkippedDevices = skipped,
            DroppedXattrs = tree.DroppedXattrs,
        };
    }

    /// <summary>From the reader's buffer to the file; each segment of a sparse one to its place.</summary>
    private static unsafe long WriteContent(TarReader reader, FileDescriptor file, LayerPath path, TarEntry entry, CancellationToken cancellationToken)
    {
        var written = 0L;
        var (segment, within) = (0, 0L);
        while (DedicatedThread.Wait(reader.ReadContentAsync(cancellationToken)) is { IsEmpty: false } part)
        {
            var rest = part.Span;
            while (!rest.IsEmpty)
            {
                fixed (byte* start = rest)
                {
                    nint count;
                    if (entry.Segments is null)
                    {
                        count = Libc.Write(file, start, (nuint)rest.Length);
                    }
                    else
                    {
                        while (within == entry.Segments[segment].Length)
                        {
                            (segment, within) = (segment + 1, 0);
                        }

                        var current = entry.Segments[segment];
                        count = Libc.WriteAt(file, start, (nuint)Math.Min(rest.Length, current.Length - within), current.Offset + within);
                        within += count;
                    }

                    LayerTree.Require((int)count, "write", path);
                    written += count;
                    rest = rest[(int)count..];
                }
            }
        }

        if (entry.Segments is not null)
        {
            LayerTree.Require(Libc.Truncate(file, entry.Size), "set the size of", path);
        }

        return written;
    }

    private static bool IsReserved(LayerPath path) =>
        path.Leaf.StartsWith(Whiteout.Reserved) || Whiteout.IsReserved(path.Parent);
}
