using Containers.Health;
using Containers.Interop;

namespace Containers;

// Whether it works.
public sealed partial class Container
{
    private HealthMonitor? _health;

    /// <summary>Whether it works, as its health check says (<see cref="ContainerBuilder.WithHealthCheck"/>, or the image's).</summary>
    public HealthStatus Health => _health?.Status ?? HealthStatus.None;

    /// <summary>How the last health check went; null before the first.</summary>
    public HealthCheckResult? LastHealthCheck => _health?.Last;

    /// <summary>Waits until the container is known to work.</summary>
    /// <param name="cancellationToken">Ends the waiting, not the container.</param>
    /// <exception cref="ContainerException">It is unhealthy, or has ended; the message has what the last check said.</exception>
    /// <exception cref="InvalidOperationException">It was not started, or has no health check.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled; the container goes on.</exception>
    public async Task WaitForHealthyAsync(CancellationToken cancellationToken = default)
    {
        _ = _completion ?? throw NotStarted();
        var health = _health ?? throw new InvalidOperationException("The container has no health check: give it one with WithHealthCheck.");
        await health.Settled.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!IsRunning || health.Status != HealthStatus.Healthy)
        {
            var last = health.Last is { } check ? $"Its last check exited with {check.ExitCode}: {check.Output.Trim()}" : "It was not checked before.";
            throw new ContainerException("wait for the container to be healthy", Name, Errno.None, $"It {(IsRunning ? "is unhealthy" : "has ended")}. {last}");
        }
    }
}
