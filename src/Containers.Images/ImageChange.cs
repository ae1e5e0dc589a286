namespace Containers;

/// <summary>A path that a container changed, as <c>docker diff</c> tells it.</summary>
/// <param name="Kind">What happened to it.</param>
/// <param name="Path">The path in the container; a byte that is no text is shown as <c>\xNN</c>.</param>
public sealed record ImageChange(ImageChangeKind Kind, string Path)
{
    /// <summary>As Docker prints it: <c>A /greeting</c>.</summary>
    public override string ToString() => $"{(Kind switch { ImageChangeKind.Added => 'A', ImageChangeKind.Deleted => 'D', _ => 'C' })} {Path}";
}

/// <summary>What happened to a path.</summary>
public enum ImageChangeKind
{
    /// <summary>The image does not have it.</summary>
    Added,

    /// <summary>The image has it, with other content, mode, owner or something below it.</summary>
    Modified,

    /// <summary>The image has it, and the container does not.</summary>
    Deleted,
}
