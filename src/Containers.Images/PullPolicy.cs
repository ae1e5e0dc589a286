namespace Containers;

/// <summary>When an image is fetched before a container runs from it.</summary>
public enum PullPolicy
{
    /// <summary>When the store does not have it; what a name means is not asked again.</summary>
    Missing,

    /// <summary>Every time: what the name means is asked, and what is not there yet is fetched. A registry that cannot be reached is an error.</summary>
    Always,

    /// <summary>As <see cref="Always"/>, but where the registry cannot be reached, what is stored is used.</summary>
    Newer,

    /// <summary>Never: what the store does not have is an error.</summary>
    Never,
}
