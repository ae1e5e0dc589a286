using Containers.Interop;

namespace Containers.UserNamespaces;

/// <summary>A user namespace that containers are in, for as long as one of them holds it.</summary>
internal sealed class UserNamespaceLease(FileDescriptor descriptor, IdRange range, Action<UserNamespaceLease> release) : IDisposable
{
    private const nuint GetUserNamespace = 0xb701; // NS_GET_USERNS (ioctl_ns(2))

    private readonly Lock _gate = new();
    private FileDescriptor? _descriptor = descriptor;
    private bool _mayRest = true;
    private int _holders = 1;

    /// <summary>The namespace, for launching into it; null while it rests, or when it could not be opened again.</summary>
    public FileDescriptor? Descriptor => _descriptor;

    public IdRange Range => range;

    /// <summary>A container in it may have left keys there: no other gets this namespace.</summary>
    public bool IsSpent { get; set; }

    /// <summary>Lets go of the descriptor while one container runs in it: its mount namespace leads back.</summary>
    public void Rest()
    {
        lock (_gate)
        {
            if (_mayRest && _holders == 1)
            {
                _descriptor?.Dispose();
                _descriptor = null;
            }
        }
    }

    /// <summary>Opens the descriptor again, for good.</summary>
    /// <param name="mountNamespace">Of a container in it.</param>
    public unsafe void Wake(FileDescriptor mountNamespace)
    {
        lock (_gate)
        {
            _mayRest = false;
            if (_descriptor is null && Libc.Control(mountNamespace, GetUserNamespace, null) is >= 0 and var number)
            {
                _descriptor = new FileDescriptor(number);
            }
        }
    }

    /// <summary>One more container joins it.</summary>
    /// <exception cref="InvalidOperationException">The last container has just left it.</exception>
    public UserNamespaceLease Share()
    {
        lock (_gate)
        {
            _holders = _holders > 0 ? _holders + 1 : throw new InvalidOperationException("The container has ended.");
        }

        return this;
    }

    /// <summary>Lets go of the namespace itself.</summary>
    public void Dispose() => _descriptor?.Dispose();

    /// <summary>A container has left it.</summary>
    public void Release()
    {
        bool isLast;
        lock (_gate)
        {
            isLast = --_holders == 0;
        }

        if (isLast)
        {
            release(this);
        }
    }
}
