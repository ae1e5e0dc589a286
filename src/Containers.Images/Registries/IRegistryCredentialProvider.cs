namespace Containers;

/// <summary>Knows credentials for registries.</summary>
public interface IRegistryCredentialProvider
{
    /// <summary>The credential for a registry; null to ask it as nobody.</summary>
    /// <param name="registry">The registry as references name it: <c>docker.io</c>, <c>localhost:5000</c>.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public ValueTask<RegistryCredential?> GetAsync(string registry, CancellationToken cancellationToken);
}
