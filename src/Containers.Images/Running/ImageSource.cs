using Containers.Launch;
using Containers.RootFilesystems;
using Containers.Specification;

namespace Containers.Running;

/// <summary>An image by its name: what that means, and whether it is fetched, is found out when the container is started.</summary>
internal sealed record ImageSource(ImageReference Reference, PullPolicy Policy, ImagePlatform Platform) : RootFilesystemSource
{
    public override bool NeedsResolving => true;

    public override async Task<ResolvedRoot> ResolveAsync(ContainerEngine engine, ContainerSpec spec, CancellationToken cancellationToken)
    {
        var image = await engine.Images.HoldAsync(Reference, Policy, Platform, cancellationToken).ConfigureAwait(false);
        try
        {
            return new ResolvedRoot(ImageDefaults.Apply(spec, image) with { Root = new ImageRootFilesystem(image) }, image);
        }
        catch
        {
            await image.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Everything is read from the disk, without waiting for anybody but those who collect garbage.</summary>
    public override ResolvedRoot ResolveStored(ContainerEngine engine, ContainerSpec spec) =>
        (this with { Policy = PullPolicy.Never }).ResolveAsync(engine, spec, CancellationToken.None).GetAwaiter().GetResult();

    public override RootPlan Plan() => throw new InvalidOperationException("The image was not resolved.");

    public override byte[] ReadFile(string path) => throw new InvalidOperationException("The image was not resolved.");
}
