using System.Diagnostics;
using Containers.Processes;
using Microsoft.Extensions.Logging;

namespace Containers.Networks;

/// <summary>
/// Looks after one bridge when something has happened to it: at once, but ever more seldom where somebody takes it away again and again, so
/// that the two do not keep the machine busy.
/// </summary>
/// <param name="reactor">Waits.</param>
/// <param name="network">Its name.</param>
/// <param name="repair">Makes again what is missing; false: nothing is.</param>
/// <param name="logger">Told of what cannot be made again.</param>
internal sealed class BridgeCare(Reactor reactor, string network, Func<bool> repair, ILogger logger)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    /// <summary>After so long without a repair, all is forgotten.</summary>
    private static readonly TimeSpan Peace = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private bool _isDue;
    private bool _isHeard;
    private int _repairs;
    private long _last;
    private long _looked;

    /// <summary>Looks soon. Does not block.</summary>
    public void Look()
    {
        lock (_gate)
        {
            _isHeard = true;
            if (_isDue)
            {
                return;
            }

            _isDue = true;
            var wait = Wait();
            if (wait == TimeSpan.Zero)
            {
                _ = Task.Run(Run);
            }
            else
            {
                _ = reactor.Schedule(wait, () => _ = Task.Run(Run));
            }
        }
    }

    private void Run()
    {
        lock (_gate)
        {
            _isHeard = false;
            _looked = Stopwatch.GetTimestamp();
        }

        bool again;
        try
        {
            again = repair();
        }
        catch (NetworkException fault)
        {
            logger.NotRepaired(network, fault);
            again = true;
        }

        lock (_gate)
        {
            _isDue = false;
            if (again)
            {
                _repairs++;
                _last = Stopwatch.GetTimestamp();
            }

            // What happened to what is new, before its number was known, was not heard.
            again |= _isHeard;
        }

        if (again)
        {
            Look();
        }
    }

    private TimeSpan Wait()
    {
        var since = Stopwatch.GetElapsedTime(_last);
        _repairs = since > Peace ? 0 : _repairs;
        const int MostDoublings = 10;
        var wait = _repairs == 0
            ? FirstWait - Stopwatch.GetElapsedTime(_looked)
            : TimeSpan.FromTicks(Math.Min(LongestWait.Ticks, FirstWait.Ticks << Math.Min(_repairs - 1, MostDoublings))) - since;
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }
}
