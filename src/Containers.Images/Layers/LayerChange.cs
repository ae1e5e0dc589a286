namespace Containers.Layers;

internal enum LayerChangeKind
{
    Modified,
    Added,
    Deleted,
}

/// <summary>A path, without a slash in front, that an upper directory changes of what is below it.</summary>
internal readonly record struct LayerChange(LayerChangeKind Kind, byte[] Path)
{
    /// <summary>As <c>docker diff</c> prints it.</summary>
    public override string ToString() => $"{(Kind switch { LayerChangeKind.Added => 'A', LayerChangeKind.Deleted => 'D', _ => 'C' })} /{Tar.RawText.Show(Path)}";
}
