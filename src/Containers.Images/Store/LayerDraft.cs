using Containers.Interop;

namespace Containers.Store;

/// <summary>
/// A layer that is being unpacked, by nobody else in any process. It is one of the store's after <see cref="LayerStore.Publish"/>;
/// disposed before that, it is gone.
/// </summary>
internal sealed class LayerDraft : IDisposable
{
    private const uint Everyone = 0x1ED; // 0755
    private readonly string _variant;
    private readonly FileLock _lock;
    private readonly Action<string> _removeTree;
    private bool _isDisposed;

    internal LayerDraft(LayerIdentity identity, string variant, FileLock owned, string directory, Action<string> removeTree)
    {
        Identity = identity;
        _variant = variant;
        _lock = owned;
        Directory = directory;
        _removeTree = removeTree;
        if (Libc.MakeDirectory(directory, Everyone) != 0)
        {
            var errno = ErrnoNames.Last;
            Unlock();
            throw StoreErrors.From("create", directory, errno);
        }
    }

    public LayerIdentity Identity { get; }

    /// <summary>The directory to unpack to; empty at first.</summary>
    public string Directory { get; }

    internal bool IsComplete { get; private set; }

    internal bool IsSelfContained { get; private set; }

    internal long Size { get; private set; }

    internal string Name => LayerIdentity.NameOf(IsSelfContained ? Identity.DiffId : Identity.ChainId) + _variant;

    /// <summary>Says that all of it is unpacked.</summary>
    /// <param name="isSelfContained">Nothing in it was taken from the layers below: it is the same in every image.</param>
    /// <param name="size">Bytes that it takes.</param>
    public void Complete(bool isSelfContained, long size)
    {
        IsSelfContained = isSelfContained;
        Size = size;
        IsComplete = true;
    }

    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            try
            {
                // After it was published nothing has this name.
                _removeTree(Directory);
            }
            finally
            {
                Unlock();
            }
        }
    }

    private void Unlock()
    {
        _lock.Remove();
        _lock.Dispose();
    }
}
