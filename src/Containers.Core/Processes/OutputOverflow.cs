namespace Containers;

/// <summary>What happens when a job writes more than its output limit.</summary>
public enum OutputOverflow
{
    /// <summary>The rest is read, counted and dropped; the job goes on and does not notice.</summary>
    Truncate,

    /// <summary>The container is killed and ends as <see cref="Outcome.OutputLimitExceeded"/>.</summary>
    Kill,
}
