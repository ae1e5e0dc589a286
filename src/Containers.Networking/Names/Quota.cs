namespace Containers.Names;

/// <summary>How much of a thing somebody has at the moment, and may have at most.</summary>
internal sealed class Quota(int most)
{
    private int _taken;

    public int Taken => Volatile.Read(ref _taken);

    /// <summary>One more, if it may be; then <see cref="Return"/> has to follow.</summary>
    public bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= most)
        {
            return true;
        }

        Interlocked.Decrement(ref _taken);
        return false;
    }

    public void Return() => Interlocked.Decrement(ref _taken);
}
