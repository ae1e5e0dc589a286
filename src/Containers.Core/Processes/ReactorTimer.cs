namespace Containers.Processes;

/// <summary>A callback that is due once. Any thread may cancel it.</summary>
internal sealed class ReactorTimer : IDisposable
{
    internal const int NotQueued = -1;

    private readonly Reactor _reactor;

    internal ReactorTimer(Reactor reactor, long due, Action callback)
    {
        _reactor = reactor;
        Due = due;
        Callback = callback;
    }

    /// <summary>On the monotonic clock, in nanoseconds.</summary>
    internal long Due { get; }

    internal long Sequence { get; set; }

    internal Action Callback { get; }

    internal int HeapIndex { get; set; } = NotQueued;

    /// <summary>Whether it was still to run: then it will not.</summary>
    public bool Cancel() => _reactor.Cancel(this);

    public void Dispose() => Cancel();
}
