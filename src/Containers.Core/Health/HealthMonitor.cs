using System.Diagnostics;

namespace Containers.Health;

/// <summary>Runs a container's health check for as long as the container runs. Between two checks there is a timer and nothing else.</summary>
internal sealed class HealthMonitor(Container container, HealthCheck check) : IAsyncDisposable
{
    private const int NoExitCode = -1;

    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _checks = Task.CompletedTask;
    private int _failures;
    private volatile HealthStatus _status = HealthStatus.Starting;
    private volatile HealthCheckResult? _last;

    public HealthStatus Status => _status;

    public HealthCheckResult? Last => _last;

    /// <summary>Completes when it is first known whether the container works, or when the container has ended.</summary>
    public Task Settled => _settled.Task;

    public void Start() => _checks = CheckAsync(_end.Token);

    /// <summary>No check begins after this, and one that runs is given up.</summary>
    public void End()
    {
        _end.Cancel();
        _settled.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        End();
        await _checks.ConfigureAwait(false);
        _end.Dispose();
    }

    private async Task CheckAsync(CancellationToken ended)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            while (true)
            {
                var isStarting = IsStarting(started);
                await Task.Delay(isStarting ? check.StartInterval : check.Interval, ended).ConfigureAwait(false);

                // What is frozen answers nobody, and is not ill.
                if (!container.IsPaused)
                {
                    Conclude(await RunAsync(ended).ConfigureAwait(false), IsStarting(started));
                }
            }
        }
        catch (Exception reason) when (reason is OperationCanceledException || !container.IsRunning)
        {
            // It has ended, and that is told elsewhere.
        }
        finally
        {
            _settled.TrySetResult();
        }
    }

    private bool IsStarting(long started) => _status == HealthStatus.Starting && Stopwatch.GetElapsedTime(started) < check.StartPeriod;

    private async Task<HealthCheckResult> RunAsync(CancellationToken ended)
    {
        var startedAt = DateTimeOffset.UtcNow;
        try
        {
            var result = await container.ExecAsync(
                check.Command, new ExecOptions { Timeout = check.Timeout, OutputLimit = new ByteSize(HealthCheck.MostOutput) }, ended).ConfigureAwait(false);
            ended.ThrowIfCancellationRequested();
            var output = result.StandardOutput.Text + result.StandardError.Text;
            return result.Outcome == Outcome.TimedOut
                ? new HealthCheckResult(NoExitCode, $"The check took longer than {check.Timeout}. {output}", startedAt, result.FinishedAt)
                : new HealthCheckResult(result.ExitCode, output, startedAt, result.FinishedAt);
        }
        catch (ContainerException reason) when (container.IsRunning)
        {
            return new HealthCheckResult(NoExitCode, reason.Message, startedAt, DateTimeOffset.UtcNow);
        }
    }

    private void Conclude(HealthCheckResult result, bool isStarting)
    {
        _last = result;
        if (result.IsSuccess)
        {
            _failures = 0;
            Change(HealthStatus.Healthy);
        }
        else if (!isStarting && ++_failures >= check.Retries)
        {
            Change(HealthStatus.Unhealthy);
        }
    }

    private void Change(HealthStatus status)
    {
        if (_status != status)
        {
            _status = status;
            container.Engine.Logger.HealthChanged(container.Id, status);
        }

        _settled.TrySetResult();
    }
}
