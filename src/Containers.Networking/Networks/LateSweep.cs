using Microsoft.Extensions.Logging;

namespace Containers.Networks;

/// <summary>
/// Sweeps, and again later where that came too early: an engine whose process was killed just now has its table until the last of its
/// containers has ended, which can take longer than the start of the next engine. The kernel tells nobody when such a table goes, so that is
/// looked for, ever more seldom: the engine may also live, with its records elsewhere.
/// </summary>
internal sealed class LateSweep : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LastPause = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _end = new();
    private readonly Task _sweeping;

    /// <exception cref="NetworkException">The kernel refuses.</exception>
    public LateSweep(HostSide host) => _sweeping = DeadEngines.Sweep(host) ? Task.Run(() => SweepAsync(host)) : Task.CompletedTask;

    public void Dispose()
    {
        _end.Cancel();
        _sweeping.GetAwaiter().GetResult();
        _end.Dispose();
    }

    private async Task SweepAsync(HostSide host)
    {
        try
        {
            var isLeft = true;
            for (var pause = FirstPause; isLeft && pause < LastPause; pause *= 2)
            {
                await Task.Delay(pause, _end.Token).ConfigureAwait(false);
                isLeft = DeadEngines.Sweep(host);
            }
        }
        catch (OperationCanceledException)
        {
            // The next engine does it.
        }
        catch (NetworkException fault)
        {
            host.Logger.NotSwept(fault);
        }
    }
}
