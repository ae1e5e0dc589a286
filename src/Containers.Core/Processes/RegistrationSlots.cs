namespace Containers.Processes;

/// <summary>
/// The registrations of a reactor, found by the token that the kernel hands back with an event. Taken and freed under the reactor's lock;
/// <see cref="Find"/> needs none.
/// </summary>
internal sealed class RegistrationSlots
{
    private readonly Stack<int> _free = new();
    private ReactorRegistration?[] _slots = new ReactorRegistration?[16];
    private uint _nextNumber = 1;
    private int _used;

    /// <summary>Those in use; only while none is taken.</summary>
    public IEnumerable<ReactorRegistration> All => _slots.OfType<ReactorRegistration>();

    /// <summary>The registration of a token; null when it was disposed, whoever has its slot by now.</summary>
    public ReactorRegistration? Find(ulong token)
    {
        // A registration is published before the kernel hears of it, and an outdated array can only hold a disposed one.
        var registration = Volatile.Read(ref Volatile.Read(ref _slots)[(uint)token]);
        return registration is not null && registration.Token == token && !registration.IsDisposed ? registration : null;
    }

    /// <summary>Gives it a token that no other has had for four thousand million registrations.</summary>
    public void Take(ReactorRegistration registration)
    {
        if (!_free.TryPop(out var slot))
        {
            slot = _used++;
            if (slot == _slots.Length)
            {
                var larger = new ReactorRegistration?[slot * 2];
                Array.Copy(_slots, larger, slot);
                Volatile.Write(ref _slots, larger);
            }
        }

        registration.Token = ((ulong)_nextNumber << 32) | (uint)slot;
        _nextNumber = _nextNumber == uint.MaxValue ? 1 : _nextNumber + 1;
        Volatile.Write(ref _slots[slot], registration);
    }

    /// <summary>Lets go of it and of its descriptor.</summary>
    public void Free(ReactorRegistration registration)
    {
        registration.IsDisposed = true;
        var slot = (int)(uint)registration.Token;
        _slots[slot] = null;
        _free.Push(slot);
        registration.Descriptor.DangerousRelease();
    }
}
