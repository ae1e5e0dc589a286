namespace Containers.Registries;

/// <summary>One request to a registry, as it may be made several times.</summary>
internal sealed record RegistryRequest
{
    public required RegistryEndpoint Endpoint { get; init; }

    public required HttpMethod Method { get; init; }

    public required Uri Address { get; init; }

    /// <summary>What a token must allow, as <c>repository:library/alpine:pull</c>; several are divided by a space.</summary>
    public required string Scope { get; init; }

    /// <summary>What is done, for messages.</summary>
    public required string Step { get; init; }

    /// <summary>What it is done to, for messages.</summary>
    public required string Subject { get; init; }

    public IReadOnlyList<string> Accept { get; init; } = [];

    /// <summary>The first byte wanted; 0 for the whole.</summary>
    public long From { get; init; }

    /// <summary>Makes the body anew for each time it is sent.</summary>
    public Func<HttpContent>? Content { get; init; }

    /// <summary>How long the body is, which gets its time.</summary>
    public long ContentLength { get; init; }

    /// <summary>Whether it may be made again when nobody knows what came of it.</summary>
    public bool IsRepeatable { get; init; } = true;
}
