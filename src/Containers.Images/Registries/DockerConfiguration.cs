using System.Text.Json.Serialization;

namespace Containers.Registries;

/// <summary>What <c>docker login</c> and <c>podman login</c> write.</summary>
internal sealed record DockerConfiguration
{
    public Dictionary<string, DockerAuthentication?>? Auths { get; init; }

    public string? CredsStore { get; init; }

    public Dictionary<string, string?>? CredHelpers { get; init; }
}

internal sealed record DockerAuthentication
{
    /// <summary>user:password in base64.</summary>
    public string? Auth { get; init; }

    public string? Username { get; init; }

    public string? Password { get; init; }

    [JsonPropertyName("identitytoken")]
    public string? IdentityToken { get; init; }
}

/// <summary>What a credential helper prints.</summary>
internal sealed record HelperAnswer
{
    [JsonPropertyName("Username")]
    public string? Username { get; init; }

    [JsonPropertyName("Secret")]
    public string? Secret { get; init; }
}
