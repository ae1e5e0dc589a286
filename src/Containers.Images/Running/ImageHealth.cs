using Containers.Oci;

namespace Containers.Running;

/// <summary>An image's HEALTHCHECK. What is not above zero is Docker's own value.</summary>
internal static class ImageHealth
{
    private const long NanosecondsInTick = 100;

    /// <summary>Null: the image says nothing, or <c>NONE</c>.</summary>
    /// <exception cref="ArgumentException">The command cannot be run by any kernel.</exception>
    public static HealthCheck? Of(HealthCheckConfiguration? configuration)
    {
        HealthCheck? command = configuration?.Test switch
        {
            ["CMD", not "", ..] and [_, .. var words] => new HealthCheck([.. words]),
            ["CMD-SHELL", var line] => HealthCheck.Shell(line),
            _ => null,
        };
        return command is null ? null : command with
        {
            Interval = Span(configuration!.Interval, command.Interval),
            Timeout = Span(configuration.Timeout, command.Timeout),
            StartPeriod = Span(configuration.StartPeriod, command.StartPeriod),
            StartInterval = Span(configuration.StartInterval, command.StartInterval),
            Retries = configuration.Retries is { } retries and > 0 ? retries : command.Retries,
        };
    }

    private static TimeSpan Span(long? nanoseconds, TimeSpan otherwise) =>
        nanoseconds is { } given and > 0 ? TimeSpan.FromTicks(Math.Clamp(given / NanosecondsInTick, 1, HealthCheck.Longest.Ticks)) : otherwise;
}
