namespace Containers.Cgroups;

/// <summary>How control groups are mounted on this host (cgroups(7)).</summary>
internal enum CgroupVersion
{
    /// <summary>No control group hierarchy is mounted.</summary>
    None,

    /// <summary>One hierarchy a controller, or a few controllers together.</summary>
    V1,

    /// <summary>v1 hierarchies, and a v2 tree that may hold the controllers no v1 hierarchy took.</summary>
    Hybrid,

    /// <summary>The unified tree alone.</summary>
    V2,
}
