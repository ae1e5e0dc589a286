namespace Containers.Processes;

/// <summary>Timers by due time, those due together in the order they were added. Each timer knows its place, so removal needs no search.</summary>
internal sealed class TimerHeap
{
    private ReactorTimer[] _items = new ReactorTimer[16];
    private long _nextSequence;
    private int _count;

    public ReactorTimer? First => _count == 0 ? null : _items[0];

    public void Add(ReactorTimer timer)
    {
        if (_count == _items.Length)
        {
            Array.Resize(ref _items, _count * 2);
        }

        timer.Sequence = _nextSequence++;
        MoveUp(timer, _count++);
    }

    public bool Remove(ReactorTimer timer)
    {
        var index = timer.HeapIndex;
        if (index == ReactorTimer.NotQueued)
        {
            return false;
        }

        timer.HeapIndex = ReactorTimer.NotQueued;
        var last = _items[--_count];
        _items[_count] = null!;
        if (last != timer)
        {
            MoveDown(last, index);
            MoveUp(last, last.HeapIndex);
        }

        return true;
    }

    public void Clear()
    {
        for (var i = 0; i < _count; i++)
        {
            _items[i].HeapIndex = ReactorTimer.NotQueued;
        }

        Array.Clear(_items);
        _count = 0;
    }

    private static bool IsBefore(ReactorTimer left, ReactorTimer right) =>
        left.Due != right.Due ? left.Due < right.Due : left.Sequence < right.Sequence;

    private void MoveUp(ReactorTimer timer, int index)
    {
        while (index > 0)
        {
            var parent = (index - 1) / 2;
            if (!IsBefore(timer, _items[parent]))
            {
                break;
            }

            Place(_items[parent], index);
            index = parent;
        }

        Place(timer, index);
    }

    private void MoveDown(ReactorTimer timer, int index)
    {
        while (true)
        {
            var child = (2 * index) + 1;
            if (child >= _count)
            {
                break;
            }

            if (child + 1 < _count && IsBefore(_items[child + 1], _items[child]))
            {
                child++;
            }

            if (!IsBefore(_items[child], timer))
            {
                break;
            }

            Place(_items[child], index);
            index = child;
        }

        Place(timer, index);
    }

    private void Place(ReactorTimer timer, int index)
    {
        _items[index] = timer;
        timer.HeapIndex = index;
    }
}
