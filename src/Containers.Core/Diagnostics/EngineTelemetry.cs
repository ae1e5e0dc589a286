using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Containers.Diagnostics;

/// <summary>
/// Traces and metrics under the name <c>Containers</c>, with the names of OpenTelemetry's semantic conventions for containers where they
/// have one. No argument, variable or output of a job is in any of them.
/// </summary>
internal static class EngineTelemetry
{
    private const string Name = "Containers";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    private static readonly Counter<long> Ended = Meter.CreateCounter<long>("containers.ended", "{container}", "Containers that have ended, by outcome.");
    private static readonly Counter<double> CpuTime = Meter.CreateCounter<double>("container.cpu.time", "s", "CPU time of containers that have ended.");
    private static readonly Counter<long> DiskIO = Meter.CreateCounter<long>("container.disk.io", "By", "Bytes moved to and from block devices by containers that have ended.");
    private static readonly Histogram<double> Uptime = Meter.CreateHistogram<double>("container.uptime", "s", "How long containers ran.");
    private static readonly Histogram<long> PeakMemory = Meter.CreateHistogram<long>("container.memory.peak", "By", "The most memory containers used at once.");

    /// <summary>Begins the trace of a container; null where nobody listens.</summary>
    public static Activity? Start(string id, string? name, string? command)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        var activity = Source.StartActivity("container run");
        return activity?.SetTag("container.id", id).SetTag("container.name", name).SetTag("container.command", command);
    }

    public static void End(Activity? activity, ContainerResult result)
    {
        activity?.SetTag("container.outcome", result.Outcome.ToString()).SetTag("process.exit.code", result.ExitCode);
        Record(result.Outcome, result.Usage);
    }

    public static void Fail(Activity? activity, Exception reason) => activity?.SetStatus(ActivityStatusCode.Error, reason.Message);

    private static void Record(Outcome outcome, ResourceUsage usage)
    {
        if (Ended.Enabled)
        {
            Ended.Add(1, new KeyValuePair<string, object?>("container.outcome", outcome.ToString()));
        }

        if (CpuTime.Enabled)
        {
            CpuTime.Add(usage.UserCpu.GetValueOrDefault().TotalSeconds, new KeyValuePair<string, object?>("cpu.mode", "user"));
            CpuTime.Add(usage.SystemCpu.GetValueOrDefault().TotalSeconds, new KeyValuePair<string, object?>("cpu.mode", "system"));
        }

        if (DiskIO.Enabled)
        {
            DiskIO.Add(usage.BlockReadBytes.GetValueOrDefault(), new KeyValuePair<string, object?>("disk.io.direction", "read"));
            DiskIO.Add(usage.BlockWriteBytes.GetValueOrDefault(), new KeyValuePair<string, object?>("disk.io.direction", "write"));
        }

        Uptime.Record(usage.WallTime.TotalSeconds);
        if (PeakMemory.Enabled && usage.PeakMemory is { } peak)
        {
            PeakMemory.Record(peak.Bytes);
        }
    }
}
