using Containers.Oci;

namespace Containers;

/// <summary>How an image says its containers are checked, as Docker's <c>HEALTHCHECK</c>; zero times mean the engine's own.</summary>
/// <param name="Test"><c>CMD</c> and the words of a command, or <c>CMD-SHELL</c> and a line for the shell; <c>NONE</c>: no check.</param>
/// <param name="Interval">Between two checks.</param>
/// <param name="Timeout">How long one may take.</param>
/// <param name="StartPeriod">How long failures do not count after the start.</param>
/// <param name="Retries">After how many failures it counts as unhealthy.</param>
public sealed record ImageHealthCheck(IReadOnlyList<string> Test, TimeSpan Interval, TimeSpan Timeout, TimeSpan StartPeriod, int Retries)
{
    private const long NanosecondsInTick = 100;

    internal static ImageHealthCheck Of(HealthCheckConfiguration check) => new(
        check.Test ?? [], Span(check.Interval), Span(check.Timeout), Span(check.StartPeriod), check.Retries ?? 0);

    private static TimeSpan Span(long? nanoseconds) => TimeSpan.FromTicks((nanoseconds ?? 0) / NanosecondsInTick);
}
