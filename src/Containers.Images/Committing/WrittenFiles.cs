using System.Text;
using Containers.Interop;
using Containers.Launch;
using Containers.Layers;
using Containers.Running;

namespace Containers.Committing;

/// <summary>What a container of an image wrote to its root: the upper directory of its overlay, and what of that is none of its own.</summary>
internal sealed class WrittenFiles : IDisposable
{
    /// <summary>Made by the engine in every container, as mount points and as Docker writes them.</summary>
    private static readonly string[] EngineFiles = ["/proc", "/sys", "/dev", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

    private readonly Container _container;

    /// <exception cref="InvalidOperationException">The container was not started with StartAsync, or is disposed.</exception>
    /// <exception cref="ImageException">It was not made of an image.</exception>
    public WrittenFiles(Container container)
    {
        _container = container;
        Image = (container.Spec.Root as ImageRootFilesystem)?.Image ?? throw (container.Spec.Root is ImageSource
            ? new InvalidOperationException("The container was not started.")
            : new ImageException("read what the container wrote", container.Id[..12], "Only what a container of an image wrote is kept: make it with ContainerBuilder.FromImage."));
        if (container.WritableLayer is not { IsClosed: false } layer)
        {
            throw new InvalidOperationException("What a container wrote is there once it was started with StartAsync, and until it is disposed.");
        }

        Upper = Libc.OpenAt(layer.Number, WritableLayer.RootUpper, Libc.OpenReadOnly | Libc.OpenDirectory | Libc.OpenNoFollow | Libc.OpenCloseOnExec);
        if (Upper.IsInvalid)
        {
            throw new ImageException("open the writable layer of", container.Id[..12], ErrnoNames.Last);
        }
    }

    public HeldImage Image { get; }

    public FileDescriptor Upper { get; }

    /// <summary>Paths that are no part of an image: the engine's own, volumes, and what is mounted.</summary>
    public IReadOnlyList<byte[]> Excluded =>
    [
        .. EngineFiles.Concat(_container.Spec.Volumes).Concat(_container.Spec.Mounts.Select(static mount => mount.Target))
            .Select(static path => Encoding.UTF8.GetBytes(path.Trim('/'))),
    ];

    public PackOptions PackOptions => new()
    {
        IsUpper = true,
        Owners = ContainerOwners.Of(_container),
        LowerOwners = Libc.EffectiveUserId() == 0 ? OwnerMap.Same : ContainerOwners.Of(_container),
        Lower = Image.Files,
        Subordinate = Image.Subordinate,
        Excluded = Excluded,
    };

    public void Dispose() => Upper.Dispose();
}
