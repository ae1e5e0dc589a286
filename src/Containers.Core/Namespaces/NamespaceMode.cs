namespace Containers;

/// <summary>Where a namespace of a container comes from.</summary>
public enum NamespaceMode
{
    /// <summary>A new one of the container's own.</summary>
    Private,

    /// <summary>The host's: no isolation of that kind.</summary>
    Host,

    /// <summary>That of another running container.</summary>
    Container,
}
