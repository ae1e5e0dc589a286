using Microsoft.Extensions.Logging;

namespace Containers;

/// <summary>What the engine logs. Names, ids and outcomes; never what a job reads or writes.</summary>
internal static partial class EngineLog
{
    [LoggerMessage(1, LogLevel.Error, "A handler of the reactor failed")]
    public static partial void ReactorFault(this ILogger logger, Exception fault);

    [LoggerMessage(2, LogLevel.Debug, "Container {Id} starts {Command}")]
    public static partial void Starting(this ILogger logger, string id, string? command);

    [LoggerMessage(3, LogLevel.Debug, "Container {Id} ended as {Outcome} with exit code {ExitCode}")]
    public static partial void Ended(this ILogger logger, string id, Outcome outcome, int exitCode);

    [LoggerMessage(4, LogLevel.Error, "Container {Id} could not be cleaned up")]
    public static partial void CleanUpFailed(this ILogger logger, string id, Exception fault);

    [LoggerMessage(5, LogLevel.Warning, "No control group is delegated to this user: the default limit of processes is not in force for container {Id}")]
    public static partial void NoDefaultProcessLimit(this ILogger logger, string id);

    [LoggerMessage(6, LogLevel.Warning, "The CPU time of container {Id} cannot be read now")]
    public static partial void CpuTimeUnknown(this ILogger logger, string id, Exception fault);

    [LoggerMessage(7, LogLevel.Warning, "No container gets a user namespace of its own here")]
    public static partial void NoUserNamespaces(this ILogger logger, Exception reason);

    [LoggerMessage(8, LogLevel.Warning, "The ids of the files at {Path} cannot be mapped: containers with it are in no user namespace of their own")]
    public static partial void Unmappable(this ILogger logger, string path);

    [LoggerMessage(10, LogLevel.Warning, "The subordinate ids of this user cannot be mapped: containers have one user")]
    public static partial void NoSubordinateIds(this ILogger logger, Exception reason);

    [LoggerMessage(9, LogLevel.Warning, "Container {Id} is privileged: it can do to this host whatever its engine can")]
    public static partial void Privileged(this ILogger logger, string id);

    [LoggerMessage(11, LogLevel.Information, "Container {Id} is {Status}")]
    public static partial void HealthChanged(this ILogger logger, string id, HealthStatus status);
}
