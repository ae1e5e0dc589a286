using System.Buffers;
using System.Text;
using System.Text.Json;
using Containers.Interop;
using Containers.Specification.Rules;

namespace Containers.Registries;

/// <summary>
/// Asks programs that keep credentials, <c>docker-credential-NAME get</c>: the registry on standard input, an object on standard output.
/// </summary>
internal sealed class CredentialHelper(IReadOnlyList<string> directories, IReadOnlyList<string> environment, TimeSpan limit)
{
    // A token of a cloud is some kilobytes.
    private const int MaxOutput = 64 * 1024;

    private const string Prefix = "docker-credential-";

    /// <summary>What a helper writes as its user where the secret is an identity token.</summary>
    private const string TokenUser = "<token>";

    // The name becomes part of a path: nothing of it may lead anywhere.
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    private static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(30);

    /// <summary>Helpers in absolute directories of PATH, with this process's environment: they need the session's bus, HOME and so on.</summary>
    public static CredentialHelper OfThisUser()
    {
        var directories = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':').Where(Path.IsPathRooted).ToArray();
        List<string> environment = [];
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            environment.Add($"{variable.Key}={variable.Value}");
        }

        return new CredentialHelper(directories, environment, DefaultLimit);
    }

    /// <summary>The credential that the helper has; null where it has none.</summary>
    /// <exception cref="ImageException">There is no such helper, or it does not do as helpers do.</exception>
    public async Task<RegistryCredential?> GetAsync(string name, string registry, CancellationToken cancellationToken)
    {
        if (name.Length is 0 or > 64 || name.AsSpan().ContainsAnyExcept(NameCharacters))
        {
            throw new ImageException("run the credential helper", Printable.Shorten(name), "A helper's name has a-z, 0-9 and '-'.");
        }

        var path = directories.Select(directory => Path.Combine(directory, Prefix + name)).FirstOrDefault(File.Exists)
            ?? throw new ImageException("run the credential helper", Prefix + name, "It is in no directory of PATH. Install it, or take it out of the Docker configuration.");

        // The helper may ask its user to unlock something; that blocks a thread, so not one of the pool's.
        var output = await Task.Factory.StartNew(() => Run(path, registry, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        if (output.ExitCode != 0)
        {
            // By the protocol it prints this where it has nothing for the registry.
            return Encoding.UTF8.GetString(output.Output).Contains("credentials not found", StringComparison.OrdinalIgnoreCase)
                ? null
                : throw new ImageException("run the credential helper", path, "It failed. Run it by hand: echo REGISTRY | " + Prefix + name + " get.");
        }

        return Read(output.Output, path);
    }

    private HelperOutput Run(string path, string registry, CancellationToken cancellationToken)
    {
        try
        {
            return HelperProcess.Run(path, ["get"], [.. environment], Encoding.UTF8.GetBytes(registry + "\n"), MaxOutput, limit, cancellationToken);
        }
        catch (ContainerException failed)
        {
            throw new ImageException("run the credential helper", path, "It did not end as helpers do: " + failed.Message, failed);
        }
    }

    private static RegistryCredential? Read(byte[] output, string path)
    {
        HelperAnswer? answer;
        try
        {
            answer = JsonSerializer.Deserialize(output, RegistryJson.Default.HelperAnswer);
        }
        catch (JsonException)
        {
            // Without the cause, which may quote the secret.
            throw new ImageException("run the credential helper", path, "What it wrote is no credential.");
        }

        if (answer is not { Username.Length: > 0, Secret.Length: > 0 })
        {
            return null;
        }

        return (answer.Username == TokenUser ? RegistryCredential.FromIdentityToken(answer.Secret) : new RegistryCredential(answer.Username, answer.Secret)).From(path);
    }
}
