using System.Buffers;
using Containers.Interop;
using Containers.Launch;
using Containers.Specification;

namespace Containers.RootFilesystems;

/// <summary>
/// Gives a container its root: what to mount, and files of it that must be read before it starts. The seam other packages
/// (images) plug into.
/// </summary>
internal abstract record RootFilesystemSource
{
    /// <summary>The largest file of a root that is read before a container starts.</summary>
    public const int MaxFileBytes = Users.UserResolver.MaxFileBytes;

    /// <summary>Something has to be found out, or fetched, before a container can have it: <see cref="ResolveAsync"/>.</summary>
    public virtual bool NeedsResolving => false;

    /// <summary>What the container wrote can be asked for, also after its end: its writable layer is handed over.</summary>
    public virtual bool KeepsWritableLayer => false;

    /// <summary>Finds, and fetches where needed, what the root is made of, and fills in what it says about the container.</summary>
    /// <param name="engine">Which engine runs the container.</param>
    /// <param name="spec">What was asked for; it goes before what the root says.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="ContainerException">It cannot be had.</exception>
    public virtual Task<ResolvedRoot> ResolveAsync(ContainerEngine engine, ContainerSpec spec, CancellationToken cancellationToken) =>
        Task.FromResult(new ResolvedRoot(spec, null));

    /// <summary>As <see cref="ResolveAsync"/>, from what is there already.</summary>
    public virtual ResolvedRoot ResolveStored(ContainerEngine engine, ContainerSpec spec) => new(spec, null);

    /// <summary>How the root is put together.</summary>
    /// <exception cref="ContainerException">What it is made of is not there.</exception>
    public abstract RootPlan Plan();

    /// <summary>A regular file of the root, resolved inside it; empty where there is none.</summary>
    /// <exception cref="ContainerException">It is too large, or not a regular file.</exception>
    public abstract byte[] ReadFile(string path);

    /// <summary>The content of a file that was opened without waiting for it.</summary>
    /// <exception cref="ContainerException">It is too large, or not a regular file.</exception>
    protected static unsafe byte[] ReadRegular(FileDescriptor file, string path)
    {
        if (!FileStatus.TryGet(file, out var status) || status.Kind != FileKind.Regular || status.Size > MaxFileBytes)
        {
            throw new ContainerException("read in the root", path, Errno.EFBIG, $"It must be a regular file of at most {MaxFileBytes} bytes.");
        }

        var content = new ArrayBufferWriter<byte>((int)status.Size + 1);
        while (content.WrittenCount <= MaxFileBytes)
        {
            var room = content.GetSpan(4096);
            nint count;
            fixed (byte* start = room)
            {
                count = Libc.Read(file, start, (nuint)room.Length);
            }

            if (count <= 0)
            {
                return count == 0 ? content.WrittenSpan.ToArray() : throw new ContainerException("read in the root", path, ErrnoNames.Last);
            }

            content.Advance((int)count);
        }

        throw new ContainerException("read in the root", path, Errno.EFBIG, "It grew while it was read.");
    }
}

/// <summary>A container whose root is at hand.</summary>
/// <param name="Spec">What was asked for, completed by what the root says, with a root that needs no resolving.</param>
/// <param name="Lease">Keeps what the root is made of where it is, until the container is disposed.</param>
internal sealed record ResolvedRoot(ContainerSpec Spec, IAsyncDisposable? Lease);
