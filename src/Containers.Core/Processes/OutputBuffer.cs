namespace Containers.Processes;

/// <summary>The first bytes of an output, in arrays that double in size: small outputs stay small, and growing moves nothing.</summary>
internal sealed class OutputBuffer(long limit)
{
    private const int SmallestArray = 256;
    // Below the large-object heap's threshold, so a capture never forces a full collection.
    private const int LargestArray = 64 * 1024;

    private byte[][] _arrays = [];
    private int _count;
    private int _lastUsed;

    public long Length { get; private set; }

    public bool IsFull => Length == limit;

    /// <summary>How many of the bytes given last were kept.</summary>
    public int LastKept { get; private set; }

    /// <summary>Keeps as much as the limit allows.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        var rest = bytes[..(int)Math.Min(bytes.Length, limit - Length)];
        Length += rest.Length;
        LastKept = rest.Length;
        while (!rest.IsEmpty)
        {
            if (_count == 0 || _lastUsed == _arrays[_count - 1].Length)
            {
                AddArray(rest.Length);
            }

            var free = _arrays[_count - 1].AsSpan(_lastUsed);
            var part = rest[..Math.Min(free.Length, rest.Length)];
            part.CopyTo(free);
            _lastUsed += part.Length;
            rest = rest[part.Length..];
        }
    }

    public OutputSegments ToSegments() => new(_count == 0 ? null : _arrays[.._count], Length);

    /// <summary>The bytes at a place found by earlier calls, up to the end of their array; moves the place behind them.</summary>
    public ReadOnlySpan<byte> ReadNext(ref (int Array, int Offset) place)
    {
        if (place.Array < _count - 1 && place.Offset == _arrays[place.Array].Length)
        {
            place = (place.Array + 1, 0);
        }

        if (place.Array >= _count)
        {
            return [];
        }

        var end = place.Array == _count - 1 ? _lastUsed : _arrays[place.Array].Length;
        var bytes = _arrays[place.Array].AsSpan(place.Offset, end - place.Offset);
        place.Offset = end;
        return bytes;
    }

    private void AddArray(int needed)
    {
        var size = _count == 0 ? Math.Max(SmallestArray, needed) : Math.Max(2 * _arrays[_count - 1].Length, needed);

        // What is left of the limit, counting what the caller has already counted as kept.
        size = (int)Math.Min(Math.Min(size, LargestArray), limit - (Length - needed));
        if (_count == _arrays.Length)
        {
            Array.Resize(ref _arrays, Math.Max(2, _count * 2));
        }

        _arrays[_count++] = GC.AllocateUninitializedArray<byte>(size);
        _lastUsed = 0;
    }
}
