using Containers.Oci;

namespace Containers.Store;

/// <summary>
/// Keeps content from being collected: what a pull has stored before anything refers to it, what a running container uses. It ends
/// with <see cref="DisposeAsync"/>, with the store, or with the process. A digest may be that of a manifest or an index, which
/// holds all it refers to, of any other blob, or an identity of a layer.
/// </summary>
internal sealed class Hold(StoreHolds holds) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<Digest> _digests = [];
    private bool _isDisposed;

    /// <summary>Holds these too. After this, what of them is in the store stays there, and what is stored as one of them stays.</summary>
    public async ValueTask AddAsync(IEnumerable<Digest> digests, CancellationToken cancellationToken = default)
    {
        List<Digest> added;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            added = [.. digests.Distinct().Where(digest => !_digests.Contains(digest))];
        }

        if (added.Count == 0)
        {
            return;
        }

        await holds.AddAsync(added, cancellationToken).ConfigureAwait(false);
        IEnumerable<Digest> surplus;
        lock (_lock)
        {
            // Another call may have added the same meanwhile, or the hold have ended.
            surplus = _isDisposed ? added : added.Where(digest => !_digests.Add(digest)).ToList();
        }

        await holds.ReleaseAsync(surplus).ConfigureAwait(false);
    }

    public ValueTask AddAsync(Digest digest, CancellationToken cancellationToken = default) => AddAsync([digest], cancellationToken);

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
        }

        await holds.ReleaseAsync(_digests).ConfigureAwait(false);
    }
}
