namespace Containers.Cgroups;

/// <summary>How much of a group's usage is read.</summary>
internal enum UsageDetail
{
    /// <summary>Totals and peaks, which are all that is left to say of a container that has ended.</summary>
    Final,

    /// <summary>Also what it uses at this moment.</summary>
    Current,
}
