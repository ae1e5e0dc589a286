using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Containers.Specification.Rules;

namespace Containers.Registries;

/// <summary>The body of a refusal (distribution-spec, error codes).</summary>
internal sealed record RegistryErrorBody
{
    public ImmutableArray<RegistryError>? Errors { get; init; }
}

internal sealed record RegistryError
{
    public string? Code { get; init; }

    public string? Message { get; init; }
}

/// <summary>Turns a refusal into an exception that says what to do.</summary>
internal static class RegistryErrors
{
    private const int MaxBody = 64 * 1024;

    public static async Task<ImageException> ReadAsync(
        HttpResponseMessage response, string step, string subject, RegistryCredential? credential, CancellationToken cancellationToken)
    {
        var said = string.Empty;
        try
        {
            said = Say(await BoundedBody.TryReadAsync(response.Content, MaxBody, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or OperationCanceledException)
        {
            // The status alone must do.
        }

        var shown = credential is null ? "no credential" : credential.ToString();
        var reason = response.StatusCode switch
        {
            HttpStatusCode.NotFound => $"It is not there{said}. Check the name; a registry may also hide what needs a login ({shown} was used).",
            HttpStatusCode.Unauthorized => $"The registry does not let us in{said}; {shown} was used. Give a credential in RegistryOptions, or log in with docker login or podman login.",
            HttpStatusCode.Forbidden => $"The registry denies it{said}; {shown} was used. Ask for the right, or use another credential.",
            HttpStatusCode.TooManyRequests => $"The registry has had too many requests from here{said}; {shown} was used. Wait, or log in for a higher limit.",
            var status => $"The registry answered {(int)status}{said}.",
        };
        return new ImageException(step, subject, reason);
    }

    /// <summary>What it says, as the end of a sentence. A registry does not repeat secrets, so its words may be shown, shortened.</summary>
    private static string Say(byte[]? body)
    {
        if (body is null or [])
        {
            return string.Empty;
        }

        try
        {
            var error = JsonSerializer.Deserialize(body, RegistryJson.Default.RegistryErrorBody)?.Errors is { Length: > 0 } errors ? errors[0] : null;
            return error is null ? string.Empty : $" ({Printable.Shorten(error.Code ?? "no code")}: {Printable.Shorten(error.Message ?? "no message")})";
        }
        catch (JsonException)
        {
            // A proxy's page, which is not for people who read logs.
            return string.Empty;
        }
    }
}

internal sealed record TokenAnswer
{
    public string? Token { get; init; }

    [JsonPropertyName("access_token")]
    public string? AccessToken { get; init; }

    [JsonPropertyName("expires_in")]
    public int? ExpiresIn { get; init; }
}

internal sealed record TagListAnswer
{
    public ImmutableArray<string>? Tags { get; init; }
}

internal sealed record CatalogueAnswer
{
    public ImmutableArray<string>? Repositories { get; init; }
}

/// <summary>What registries answer besides OCI documents.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 32)]
[JsonSerializable(typeof(RegistryErrorBody))]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(TagListAnswer))]
[JsonSerializable(typeof(CatalogueAnswer))]
[JsonSerializable(typeof(DockerConfiguration))]
[JsonSerializable(typeof(HelperAnswer))]
internal sealed partial class RegistryJson : JsonSerializerContext;
