using Containers.Oci;

namespace Containers.Store;

/// <summary>
/// What this session holds, counted in memory and written to its file when the set changes: a thousand containers of one image cost
/// one line. What is added is added while no garbage is being collected, so from then on it is safe if it is there.
/// </summary>
internal sealed class StoreHolds(StoreLayout layout, StoreSession session) : IDisposable
{
    private readonly Dictionary<Digest, int> _counts = [];
    private readonly SemaphoreSlim _gate = new(1);

    public Hold Create() => new(this);

    public void Dispose() => _gate.Dispose();

    internal async ValueTask AddAsync(List<Digest> digests, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var isNew = digests.Exists(digest => !_counts.ContainsKey(digest));
            if (isNew)
            {
                using var collector = await FileLock.AcquireAsync(layout.CollectorLock, exclusive: false, cancellationToken).ConfigureAwait(false);
                session.WriteHeld(_counts.Keys.Union(digests));
            }

            foreach (var digest in digests)
            {
                _counts[digest] = _counts.GetValueOrDefault(digest) + 1;
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    internal async ValueTask ReleaseAsync(IEnumerable<Digest> digests)
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            var isGone = false;
            foreach (var digest in digests)
            {
                if (--_counts[digest] == 0)
                {
                    isGone |= _counts.Remove(digest);
                }
            }

            if (isGone)
            {
                session.WriteHeld(_counts.Keys);
            }
        }
        catch (ImageException)
        {
            // On a full disk the file stays as it is: it holds more than it must, until the next that is written.
        }
        finally
        {
            _gate.Release();
        }
    }
}
