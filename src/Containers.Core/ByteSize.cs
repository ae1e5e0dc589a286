using System.Globalization;

namespace Containers;

/// <summary>A number of bytes. Units are powers of 1024, as in <c>docker run -m 100m</c>.</summary>
/// <param name="Bytes">The number of bytes; never negative.</param>
public readonly record struct ByteSize(long Bytes)
{
    /// <summary>The size in bytes as the kernel's control files expect it.</summary>
    public override string ToString() => Bytes.ToString(CultureInfo.InvariantCulture);
}
