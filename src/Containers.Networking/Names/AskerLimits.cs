namespace Containers.Names;

/// <summary>What one container may have under way at a time, so that none keeps the others from their answers.</summary>
internal sealed class AskerLimits
{
    /// <summary>Queries that wait for the host's resolver.</summary>
    public const int MostForwarded = 128;

    /// <summary>Connections over TCP.</summary>
    public const int MostConnections = 16;

    public Quota Forwarded { get; } = new(MostForwarded);

    public Quota Connections { get; } = new(MostConnections);
}
