using System.Text;
using System.Text.Json;

namespace Containers.Registries;

/// <summary>
/// Credentials that <c>docker login</c> and <c>podman login</c> have stored: <c>DOCKER_CONFIG</c> or <c>~/.docker/config.json</c>, then
/// <c>$XDG_RUNTIME_DIR/containers/auth.json</c>. In each a helper for the registry comes first, then the store, then the file itself.
/// </summary>
internal sealed class DockerCredentials(IReadOnlyList<string> files, CredentialHelper helper) : IRegistryCredentialProvider
{
    /// <summary>The key that Docker has for Docker Hub since its first version.</summary>
    private const string DockerHubKey = "https://index.docker.io/v1/";

    private const int MaxFile = 1024 * 1024;

    public static DockerCredentials OfThisUser()
    {
        List<string> files = [];
        var home = Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } directory ? Path.Combine(directory, ".docker") : null;
        if ((Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } chosen ? chosen : home) is { } docker)
        {
            files.Add(Path.Combine(docker, "config.json"));
        }

        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime)
        {
            files.Add(Path.Combine(runtime, "containers", "auth.json"));
        }

        return new DockerCredentials(files, CredentialHelper.OfThisUser());
    }

    public async ValueTask<RegistryCredential?> GetAsync(string registry, CancellationToken cancellationToken)
    {
        foreach (var file in files)
        {
            if (Read(file) is { } configuration && await FindAsync(configuration, file, registry, cancellationToken).ConfigureAwait(false) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private static string Key(string registry) => registry == ImageReference.DefaultRegistry ? DockerHubKey : registry;

    /// <summary>The host that a key is for: keys are hosts, or addresses with a scheme and a path.</summary>
    private static string HostOf(string key)
    {
        var start = key.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme ? scheme + 3 : 0;
        var end = key.IndexOf('/', start);
        var host = key[start..(end < 0 ? key.Length : end)].ToLowerInvariant();
        return host is "index.docker.io" or "registry-1.docker.io" ? ImageReference.DefaultRegistry : host;
    }

    private static DockerConfiguration? Read(string file)
    {
        try
        {
            if (!File.Exists(file))
            {
                return null;
            }

            using var stream = File.OpenRead(file);
            if (stream.Length > MaxFile)
            {
                throw new ImageException("read the credentials", file, $"It has more than {MaxFile} bytes.");
            }

            return JsonSerializer.Deserialize(stream, RegistryJson.Default.DockerConfiguration);
        }
        catch (JsonException malformed)
        {
            // Without the cause: its message may quote what is in the file.
            throw new ImageException("read the credentials", file, $"It is no JSON as docker login writes it: line {malformed.LineNumber ?? 0}.");
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new ImageException("read the credentials", file, "The file cannot be read.", refused);
        }
    }

    private async ValueTask<RegistryCredential?> FindAsync(DockerConfiguration configuration, string file, string registry, CancellationToken cancellationToken)
    {
        var ownHelper = configuration.CredHelpers?.FirstOrDefault(entry => HostOf(entry.Key) == registry).Value;
        if ((ownHelper ?? configuration.CredsStore) is { Length: > 0 } name
            && await helper.GetAsync(name, Key(registry), cancellationToken).ConfigureAwait(false) is { } helped)
        {
            return helped;
        }

        var entries = configuration.Auths ?? [];
        var stored = entries.GetValueOrDefault(Key(registry)) ?? entries.FirstOrDefault(entry => HostOf(entry.Key) == registry).Value;
        return stored is null ? null : Decode(stored, file, registry);
    }

    private static RegistryCredential? Decode(DockerAuthentication stored, string file, string registry)
    {
        if (stored.IdentityToken is { Length: > 0 } token)
        {
            return RegistryCredential.FromIdentityToken(token).From(file);
        }

        var (user, password) = (stored.Username, stored.Password);
        if (stored.Auth is { Length: > 0 } encoded)
        {
            var bytes = new byte[encoded.Length];
            if (!Convert.TryFromBase64String(encoded, bytes, out var length) || Encoding.UTF8.GetString(bytes, 0, length).TrimEnd('\0') is not { } pair
                || pair.IndexOf(':', StringComparison.Ordinal) is not (> 0 and var colon))
            {
                throw new ImageException("read the credentials", file, $"The entry for {registry} is not user:password in base64. Log in again.");
            }

            (user, password) = (pair[..colon], pair[(colon + 1)..]);
        }

        return user is { Length: > 0 } && password is not null ? new RegistryCredential(user, password).From(file) : null;
    }
}
