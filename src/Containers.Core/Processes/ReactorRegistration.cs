using Containers.Interop;

namespace Containers.Processes;

/// <summary>
/// A descriptor in the reactor's set. Keeps the descriptor open until disposed, so the kernel cannot give its number to another file
/// while the set still knows it. Any thread may change or dispose it; disposing twice is harmless.
/// </summary>
internal sealed class ReactorRegistration : IDisposable
{
    private readonly Reactor _reactor;

    internal ReactorRegistration(Reactor reactor, FileDescriptor descriptor, IReactorHandler handler)
    {
        _reactor = reactor;
        Descriptor = descriptor;
        Handler = handler;
    }

    internal FileDescriptor Descriptor { get; }

    internal IReactorHandler Handler { get; }

    /// <summary>Slot in the low half, a number that no earlier user of the slot had in the high half.</summary>
    internal ulong Token { get; set; }

    internal EpollEvents Interest { get; set; }

    internal volatile bool IsDisposed;

    /// <summary>
    /// Changes what is waited for. <see cref="EpollEvents.None"/> means nothing at all, not even a hang-up, which the kernel would
    /// otherwise report without end.
    /// </summary>
    public void Modify(EpollEvents interest) => _reactor.Modify(this, interest);

    /// <summary>Takes the descriptor out of the set. On the reactor thread no further event is delivered, not even one already fetched.</summary>
    public void Dispose() => _reactor.Unregister(this);
}
