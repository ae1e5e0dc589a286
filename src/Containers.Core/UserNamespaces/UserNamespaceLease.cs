using Containers.Interop;

namespace Containers.UserNamespaces;

/// <summary>A user namespace that containers are in, for as long as one of them holds it.</summary>
internal sealed class UserNamespaceLease(FileDescriptor descriptor, IdRange range, Action<UserNamespaceLease> release)
{
    private int _holders = 1;

    public FileDescriptor Descriptor => descriptor;

    public IdRange Range => range;

    /// <summary>A container in it may have left keys there: no other gets this namespace.</summary>
    public bool IsSpent { get; set; }

    /// <summary>One more container joins it.</summary>
    public UserNamespaceLease Share()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    /// <summary>A container has left it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            release(this);
        }
    }
}
