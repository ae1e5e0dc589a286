namespace Containers.Names;

/// <summary>What is under way, for whoever has to wait for its end.</summary>
internal sealed class PendingWork
{
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count = 1;

    public void Enter() => Interlocked.Increment(ref _count);

    public void Exit()
    {
        if (Interlocked.Decrement(ref _count) == 0)
        {
            _idle.TrySetResult();
        }
    }

    /// <summary>Nothing more will be entered. Once.</summary>
    public Task CompleteAsync()
    {
        Exit();
        return _idle.Task;
    }
}
