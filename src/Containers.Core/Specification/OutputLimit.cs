namespace Containers.Specification;

/// <summary>How much of each standard stream is kept, and what happens past that.</summary>
internal sealed record OutputLimit(long Bytes, OutputOverflow Overflow)
{
    public static OutputLimit Default { get; } = new(4L << 20, OutputOverflow.Truncate);
}
