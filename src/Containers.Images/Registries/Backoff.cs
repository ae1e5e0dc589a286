namespace Containers.Registries;

/// <summary>How long to wait before trying again.</summary>
internal static class Backoff
{
    private const int MaxDoublings = 16;

    /// <summary>Doubling, with as much again by chance so that many clients do not come back at once; or what the server asks for, up to the limit.</summary>
    public static TimeSpan Delay(RegistryOptions options, int attempt, TimeSpan? asked = null)
    {
        var own = options.RetryDelay * (1L << Math.Min(attempt, MaxDoublings));
        // Not for secrets: any spread will do.
#pragma warning disable CA5394
        own += own * Random.Shared.NextDouble();
#pragma warning restore CA5394
        var wanted = asked > own ? asked.Value : own;
        return wanted < options.MaxRetryDelay ? wanted : options.MaxRetryDelay;
    }
}
