namespace Containers.Pulling;

/// <summary>The credential that a caller gave for one registry; others are asked for as ever.</summary>
internal sealed class CallerCredential(string given, RegistryCredential credential, IRegistryCredentialProvider? others) : IRegistryCredentialProvider
{
    public ValueTask<RegistryCredential?> GetAsync(string registry, CancellationToken cancellationToken) =>
        string.Equals(registry, given, StringComparison.OrdinalIgnoreCase) ? new(credential) : others?.GetAsync(registry, cancellationToken) ?? default;
}
