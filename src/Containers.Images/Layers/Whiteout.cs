namespace Containers.Layers;

/// <summary>Names with which a layer says what of the layers below is gone (image-spec, layer.md, and AUFS, which they are from).</summary>
internal static class Whiteout
{
    public static ReadOnlySpan<byte> Prefix => ".wh."u8;

    /// <summary>AUFS's own files; no image means anything by them.</summary>
    public static ReadOnlySpan<byte> Reserved => ".wh..wh."u8;

    public static ReadOnlySpan<byte> Opaque => ".wh..wh..opq"u8;

    /// <summary>Where the unpacker puts a directory that is being replaced: a name that no entry gets.</summary>
    public static ReadOnlySpan<byte> Replaced => ".wh..wh..replaced\0"u8;

    /// <summary>A path with a reserved name in it; <paramref name="path"/> has slashes between, and may have a NUL at the end.</summary>
    public static bool IsReserved(ReadOnlySpan<byte> path)
    {
        for (var at = path.IndexOf(Reserved); at >= 0;)
        {
            if (at == 0 || path[at - 1] == '/')
            {
                return true;
            }

            var next = path[(at + 1)..].IndexOf(Reserved);
            at = next < 0 ? -1 : at + 1 + next;
        }

        return false;
    }
}
