using Containers.Interop;

namespace Containers.Features;

/// <summary>What a feature has for one container. Disposed once nothing of the container runs any more, whatever came before.</summary>
internal interface IFeatureSession : IAsyncDisposable
{
    /// <summary>
    /// The container's first process exists, and waits for this before it looks at its network, or runs anything of the user's. What is
    /// thrown ends the container, and is what its caller gets. On a thread of the pool, once.
    /// </summary>
    /// <param name="networkNamespace">The container's; borrowed.</param>
    public void Attach(FileDescriptor networkNamespace);

    /// <summary>Adds what it has counted. At any time, from any thread, even beside the end; a last time when nothing runs any more.</summary>
    /// <param name="usage">What the container has used otherwise.</param>
    public ResourceUsage Count(ResourceUsage usage);
}
