namespace Containers;

/// <summary>How an image is pulled.</summary>
public sealed record PullOptions
{
    /// <summary>The platform to choose from an image of many; null: this machine's.</summary>
    public ImagePlatform? Platform { get; init; }

    /// <summary>What to authenticate with, instead of what is configured for the registry.</summary>
    public RegistryCredential? Credential { get; init; }

    /// <summary>Is told how far it has come; called from many threads, often.</summary>
    public IProgress<PullProgress>? Progress { get; init; }
}
