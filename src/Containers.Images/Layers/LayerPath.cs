using Containers.Tar;

namespace Containers.Layers;

/// <summary>
/// An entry's path cleaned, as the two texts that system calls take: the directory and the name in it, each ending in a NUL. Reused for
/// one entry after another.
/// </summary>
internal sealed class LayerPath
{
    private readonly byte[] _bytes = new byte[8192];
    private int _length;
    private int _leaf;

    /// <summary>The layer's root.</summary>
    public bool IsRoot => _length == 0;

    /// <summary>With its NUL; only the NUL for the root.</summary>
    public ReadOnlySpan<byte> Parent => _leaf == 0 ? "\0"u8 : _bytes.AsSpan(0, _leaf);

    /// <summary>With its NUL.</summary>
    public ReadOnlySpan<byte> Leaf => _bytes.AsSpan(_leaf, _length - _leaf + 1);

    /// <summary>One piece, with its NUL.</summary>
    public byte[] ToArray()
    {
        var whole = _bytes.AsSpan(0, _length + 1).ToArray();
        if (_leaf > 0)
        {
            whole[_leaf - 1] = (byte)'/';
        }

        return whole;
    }

    /// <summary>Takes an entry's path. Slashes and <c>.</c> mean nothing; <c>..</c> has no place in a layer and is refused.</summary>
    public void Set(ReadOnlySpan<byte> raw, int depth)
    {
        if (raw.Contains((byte)0) || raw.Length > 4096)
        {
            throw Refused(raw, "Its path has a NUL, or more than 4096 bytes.");
        }

        (_length, _leaf) = (0, 0);
        var names = 0;
        foreach (var part in raw.Split((byte)'/'))
        {
            var name = raw[part];
            if (name.IsEmpty || name.SequenceEqual("."u8))
            {
                continue;
            }

            if (name.SequenceEqual(".."u8))
            {
                throw Refused(raw, "Its path climbs with \"..\".");
            }

            if (name.Length > 255)
            {
                throw Refused(raw, "A name in its path has more than 255 bytes.");
            }

            if (++names > depth)
            {
                throw LayerLimits.Exceeded(nameof(LayerLimits.Depth), depth);
            }

            if (_length > 0)
            {
                if (_leaf > 0)
                {
                    _bytes[_leaf - 1] = (byte)'/';
                }

                _bytes[_length] = 0;
                _leaf = ++_length;
            }

            name.CopyTo(_bytes.AsSpan(_length));
            _length += name.Length;
        }

        _bytes[_length] = 0;
    }

    /// <summary>With its NUL: what the kernel takes for another directory, or for none.</summary>
    public static bool IsNoName(ReadOnlySpan<byte> leaf) => leaf.SequenceEqual("\0"u8) || leaf.SequenceEqual(".\0"u8) || leaf.SequenceEqual("..\0"u8);

    public static ImageException Refused(ReadOnlySpan<byte> path, string why) => new("unpack the layer's entry", RawText.Show(path), why);
}
