using System.IO.Pipelines;
using System.Security.Cryptography;
using Containers.Compression;
using Containers.Oci;
using Containers.Store;

namespace Containers.Committing;

/// <summary>Stores a new layer while it is made: whoever writes its tar needs to know nothing of compression, digests and the store.</summary>
internal sealed class LayerBuilder(ContentStore store, Hold hold, ImageLayerCompression compression)
{
    /// <summary>Stores what is written as one layer.</summary>
    /// <param name="write">Writes the tar, uncompressed.</param>
    /// <param name="cancellationToken">Gives it up; then nothing is stored.</param>
    /// <returns>The layer's descriptor, and its digest uncompressed.</returns>
    public async Task<(Descriptor Layer, Digest DiffId)> BuildAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        var blob = store.Blobs.Create(hold);
        await using (blob.ConfigureAwait(false))
        {
            var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 1 << 20, resumeWriterThreshold: 1 << 19, minimumSegmentSize: 1 << 16, useSynchronizationContext: false));
            var stored = Task.Run(() => blob.CopyFromAsync(pipe.Reader.AsStream(), cancellationToken).AsTask(), CancellationToken.None);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var failed = true;
            try
            {
                var target = pipe.Writer.AsStream(leaveOpen: true);
                var packed = compression == ImageLayerCompression.None ? target : LayerCompressions.Compress(target, compression == ImageLayerCompression.Zstd ? LayerCompression.Zstd : LayerCompression.Gzip);
                await using (packed.ConfigureAwait(false))
                {
                    await write(new HashingStream(packed, hash), cancellationToken).ConfigureAwait(false);
                }

                failed = false;
            }
            finally
            {
                await pipe.Writer.CompleteAsync(failed ? new OperationCanceledException("The layer was given up.") : null).ConfigureAwait(false);
                if (failed)
                {
                    await stored.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }

            await stored.ConfigureAwait(false);
            var size = blob.Length;
            var digest = await blob.CommitAsync(cancellationToken).ConfigureAwait(false);
            await hold.AddAsync(digest, cancellationToken).ConfigureAwait(false);
            var type = compression switch
            {
                ImageLayerCompression.None => MediaTypes.Layer,
                ImageLayerCompression.Zstd => MediaTypes.LayerZstd,
                _ => MediaTypes.LayerGzip,
            };
            return (new Descriptor { MediaType = type, Digest = digest.ToString(), Size = size }, Digest.FromSha256(hash.GetHashAndReset()));
        }
    }

    /// <summary>Knows the digest of what passes.</summary>
    private sealed class HashingStream(Stream target, IncrementalHash hash) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            hash.AppendData(buffer.Span);
            return target.WriteAsync(buffer, cancellationToken);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count)
        {
            hash.AppendData(buffer, offset, count);
            target.Write(buffer, offset, count);
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => target.FlushAsync(cancellationToken);

        public override void Flush() => target.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
