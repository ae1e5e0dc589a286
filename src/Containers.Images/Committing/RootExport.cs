using Containers.Interop;
using Containers.Layers;

namespace Containers.Committing;

/// <summary>A container's whole root as one archive: what it wrote, and its image below that.</summary>
internal static class RootExport
{
    public static async Task WriteAsync(WrittenFiles written, Stream target, CancellationToken cancellationToken)
    {
        var options = written.PackOptions with { IsUpper = false, Lower = null };
        var layers = new List<PackedLayer> { new(written.Upper, options.Owners) };
        try
        {
            foreach (var path in written.Image.LayerPaths)
            {
                var directory = Libc.Open(path, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenCloseOnExec);
                layers.Add(new PackedLayer(directory, options.LowerOwners));
                if (directory.IsInvalid)
                {
                    throw new ImageException("open the layer", path, ErrnoNames.Last);
                }
            }

            await new LayerPacker(options).PackAsync(layers, target, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            layers.ForEach(static layer => layer.Directory.Dispose());
        }
    }
}
