namespace Containers;

/// <summary>A container: created, running or ended.</summary>
public sealed class Container
{
    internal Container()
    {
    }
}
