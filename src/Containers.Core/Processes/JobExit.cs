using Containers.Launch;

namespace Containers.Processes;

/// <summary>How a process ended, as the kernel told it.</summary>
/// <param name="Status">Its wait status (wait(2)).</param>
/// <param name="HasRun">User code was reached.</param>
/// <param name="Usage">What the guardian read when it reaped the process.</param>
/// <param name="Timestamp">When, on <see cref="System.Diagnostics.Stopwatch"/>'s clock.</param>
internal readonly record struct JobExit(int Status, bool HasRun, LauncherMessage Usage, long Timestamp)
{
    private const int SignalMask = 0x7f;
    private const int SignalCodeBase = 128;

    public int? Signal => (Status & SignalMask) == 0 ? null : Status & SignalMask;

    /// <summary>As shells report it: 128 plus the number of the signal.</summary>
    public int ExitCode => Signal is { } signal ? SignalCodeBase + signal : (Status >> 8) & 0xff;
}
