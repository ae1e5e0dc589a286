using System.IO.Pipelines;
using Containers.Compression;
using Containers.Oci;
using Containers.Store;
using Containers.Streams;

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
            var failed = true;
            Digest diffId;
            try
            {
                var target = pipe.Writer.AsStream(leaveOpen: true);
                var packed = compression == ImageLayerCompression.None ? target : LayerCompressions.Compress(target, compression == ImageLayerCompression.Zstd ? LayerCompression.Zstd : LayerCompression.Gzip);
                await using (packed.ConfigureAwait(false))
                {
                    using var hashed = new HashedStream(packed);
                    await write(hashed, cancellationToken).ConfigureAwait(false);
                    diffId = hashed.Finish();
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
            return (new Descriptor { MediaType = type, Digest = digest.ToString(), Size = size }, diffId);
        }
    }
}
