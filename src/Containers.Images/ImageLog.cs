using Microsoft.Extensions.Logging;

namespace Containers;

/// <summary>What an image store logs. No credential and no content is ever among it.</summary>
internal static partial class ImageLog
{
    [LoggerMessage(EventId = 100, Level = LogLevel.Information, Message = "Pulled {Image}: {Digest}")]
    public static partial void Pulled(this ILogger logger, ImageReference image, Oci.Digest digest);

    [LoggerMessage(EventId = 101, Level = LogLevel.Warning, Message = "{Image} could not be asked for; what is stored is used")]
    public static partial void NotPulled(this ILogger logger, ImageReference image, Exception reason);

    [LoggerMessage(EventId = 102, Level = LogLevel.Warning, Message = "The image store has a problem: {Problem}")]
    public static partial void StoreProblem(this ILogger logger, string problem);

    [LoggerMessage(EventId = 105, Level = LogLevel.Warning, Message = "{Path} has files of subordinate ids and stays until a store of an engine that has them is opened (ContainerEngine.Images)")]
    public static partial void TreeLeft(this ILogger logger, string path, Exception reason);

    [LoggerMessage(EventId = 104, Level = LogLevel.Information, Message = "Made {Image}: {Digest}")]
    public static partial void Committed(this ILogger logger, ImageReference image, Oci.Digest digest);

    [LoggerMessage(EventId = 103, Level = LogLevel.Information, Message = "Pushed {Image}: {Digest}")]
    public static partial void Pushed(this ILogger logger, ImageReference image, Oci.Digest digest);
}
