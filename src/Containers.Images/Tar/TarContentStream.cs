using Containers.Streams;

namespace Containers.Tar;

/// <summary>The stored content of a reader's current member.</summary>
internal sealed class TarContentStream(TarReader reader) : InputStream
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => reader.HasHoles
        ? throw new ImageException("read the archive", null, "It holds a sparse file where only whole ones are expected.")
        : reader.ReadContentAsync(buffer, cancellationToken);
}
