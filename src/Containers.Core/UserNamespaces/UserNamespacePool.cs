using Containers.Interop;

namespace Containers.UserNamespaces;

/// <summary>
/// The user namespaces of one engine. Making one takes a process of its own, so those whose containers have ended, and left
/// nothing in them, serve the next ones.
/// </summary>
internal sealed class UserNamespacePool(FileDescriptor launcher) : IDisposable
{
    /// <summary>More than run at a time where starting takes longer than running; each holds a descriptor.</summary>
    private const int MaxReady = 32;

    private readonly Lock _gate = new();
    private readonly IdBlocks _blocks = new();
    private readonly Stack<(FileDescriptor Descriptor, IdRange Range)> _ready = new();
    private readonly Stack<IdRange> _ranges = new();
    private bool _isDisposed;

    /// <summary>One with a range of ids that no other container has.</summary>
    /// <exception cref="ContainerException">None can be made here.</exception>
    public UserNamespaceLease Rent()
    {
        IdRange range;
        lock (_gate)
        {
            if (_ready.TryPop(out var ready))
            {
                return new UserNamespaceLease(ready.Descriptor, ready.Range, Return);
            }

            range = TakeRange();
        }

        try
        {
            return new UserNamespaceLease(NamespaceMaker.Make(launcher, range), range, Return);
        }
        catch
        {
            lock (_gate)
            {
                _ranges.Push(range);
            }

            throw;
        }
    }

    /// <summary>One with exactly these ids, for one container.</summary>
    /// <exception cref="ContainerException">It cannot be made here.</exception>
    public UserNamespaceLease Rent(IdRange range) => new(NamespaceMaker.Make(launcher, range), range, static lease => lease.Dispose());

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            while (_ready.TryPop(out var ready))
            {
                ready.Descriptor.Dispose();
            }

            _blocks.Dispose();
            launcher.Dispose();
        }
    }

    private void Return(UserNamespaceLease lease)
    {
        lock (_gate)
        {
            if (lease is { IsSpent: false, Descriptor: { } descriptor } && !_isDisposed && _ready.Count < MaxReady)
            {
                _ready.Push((descriptor, lease.Range));
            }
            else
            {
                lease.Dispose();
                _ranges.Push(lease.Range);
            }
        }
    }

    /// <summary>With the lock held.</summary>
    private IdRange TakeRange()
    {
        if (_ranges.Count == 0)
        {
            foreach (var range in _blocks.Take().Reverse())
            {
                _ranges.Push(range);
            }
        }

        return _ranges.Pop();
    }
}
