namespace Containers.Processes;

/// <summary>A fixed view of the bytes a buffer held at one moment; the buffer may go on growing behind it.</summary>
internal readonly record struct OutputSegments(byte[][]? Arrays, long Length)
{
    public ReadOnlyMemory<byte> Join()
    {
        if (Arrays is null || Length == 0)
        {
            return ReadOnlyMemory<byte>.Empty;
        }

        if (Arrays[0].Length >= Length)
        {
            return Arrays[0].AsMemory(0, (int)Length);
        }

        var joined = GC.AllocateUninitializedArray<byte>(checked((int)Length));
        var rest = joined.AsSpan();
        foreach (var array in Arrays)
        {
            var part = array.AsSpan(0, Math.Min(array.Length, rest.Length));
            part.CopyTo(rest);
            rest = rest[part.Length..];
        }

        return joined;
    }
}
