using System.Diagnostics;
using Containers.Interop;

namespace Containers.Cgroups;

/// <summary>Waiting for what the kernel does not announce: asks again after pauses that grow.</summary>
internal static unsafe class Backoff
{
    private const int LongestPauseMilliseconds = 20;

    public static bool Until(Func<bool> condition, TimeSpan patience)
    {
        var started = Stopwatch.GetTimestamp();
        for (var pause = 1; !condition(); pause = Math.Min(pause * 2, LongestPauseMilliseconds))
        {
            if (Stopwatch.GetElapsedTime(started) >= patience)
            {
                return false;
            }

            Libc.Poll(null, 0, pause);
        }

        return true;
    }
}
