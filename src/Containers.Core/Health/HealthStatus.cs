namespace Containers;

/// <summary>Whether a container works, as its health check says.</summary>
public enum HealthStatus
{
    /// <summary>It has no health check, or was not started with StartAsync.</summary>
    None,

    /// <summary>No check has succeeded yet, and none that counts has failed often enough.</summary>
    Starting,

    /// <summary>The last check succeeded, or has not failed often enough since one did.</summary>
    Healthy,

    /// <summary>The checks have failed as often in a row as <see cref="HealthCheck.Retries"/> says. The container goes on.</summary>
    Unhealthy,
}
