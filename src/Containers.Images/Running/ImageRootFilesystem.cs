using Containers.Interop;
using Containers.Launch;
using Containers.Layers;
using Containers.RootFilesystems;

namespace Containers.Running;

/// <summary>The layers of a stored image, under what the container writes; that can be committed.</summary>
internal sealed record ImageRootFilesystem(HeldImage Image) : RootFilesystemSource
{
    public override bool KeepsWritableLayer => true;

    public override RootPlan Plan() => new OverlayRootPlan(Image.LayerDirectory, Image.Layers);

    public override byte[] ReadFile(string path)
    {
        using var found = Image.Files.Resolve(path);
        if (found is null)
        {
            return [];
        }

        using var file = LayeredFiles.Reopen(found, Libc.OpenReadOnly | Libc.OpenNonBlocking | Libc.OpenNoControllingTerminal, Image.Subordinate);
        return ReadRegular(file, path);
    }
}
