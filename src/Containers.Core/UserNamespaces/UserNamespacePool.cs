using System.Collections.Concurrent;
using Containers.Interop;

namespace Containers.UserNamespaces;

/// <summary>
/// The user namespaces of one engine. Making one takes a process of its own, so those whose containers have ended, and left
/// nothing in them, serve the next ones.
/// </summary>
internal sealed class UserNamespacePool(FileDescriptor launcher) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly IdBlocks _blocks = new();
    private readonly ConcurrentBag<UserNamespaceLease> _ready = [];
    private readonly Stack<IdRange> _ranges = new();
    private bool _isDisposed;

    /// <summary>One with a range of ids that no other container has.</summary>
    /// <exception cref="ContainerException">None can be made here.</exception>
    public UserNamespaceLease Rent() => _ready.TryTake(out var ready) ? new UserNamespaceLease(ready.Descriptor, ready.Range, Return) : Make(TakeRange(), Return);

    /// <summary>One with exactly these ids, for one container.</summary>
    /// <exception cref="ContainerException">It cannot be made here.</exception>
    public UserNamespaceLease Rent(IdRange range) => Make(range, static lease => lease.Descriptor.Dispose());

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            while (_ready.TryTake(out var ready))
            {
                ready.Descriptor.Dispose();
            }

            _blocks.Dispose();
            launcher.Dispose();
        }
    }

    private UserNamespaceLease Make(IdRange range, Action<UserNamespaceLease> release)
    {
        try
        {
            return new UserNamespaceLease(NamespaceMaker.Make(launcher, range), range, release);
        }
        catch
        {
            GiveBack(range, release);
            throw;
        }
    }

    private void GiveBack(IdRange range, Action<UserNamespaceLease> release)
    {
        if (release == Return)
        {
            lock (_gate)
            {
                _ranges.Push(range);
            }
        }
    }

    private void Return(UserNamespaceLease lease)
    {
        lock (_gate)
        {
            if (lease.IsSpent || _isDisposed)
            {
                lease.Descriptor.Dispose();
                _ranges.Push(lease.Range);
            }
            else
            {
                _ready.Add(lease);
            }
        }
    }

    private IdRange TakeRange()
    {
        lock (_gate)
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
}
