namespace Containers;

/// <summary>How registries are talked to. What is set here is read when the first request is made.</summary>
public sealed class RegistryOptions
{
    private (string Registry, RegistryCredential Credential)? _given;

    /// <summary>
    /// Gives the client for requests, as <c>IHttpClientFactory.CreateClient</c> does; it stays the caller's. Its handler must not follow
    /// redirects nor keep cookies, and have no timeout for the whole of a request. Null: connections of the library's own.
    /// </summary>
    public Func<HttpClient>? HttpClientFactory { get; set; }

    /// <summary>What differs for a registry, by the host that references name: <c>docker.io</c>, <c>localhost:5000</c>.</summary>
    public IDictionary<string, RegistryHostOptions> Hosts { get; } = new Dictionary<string, RegistryHostOptions>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Where credentials come from. Null: what <c>docker login</c> and <c>podman login</c> have stored, and their helpers.</summary>
    public IRegistryCredentialProvider? CredentialProvider { get; set; }

    /// <summary>How often a request that failed for a passing reason is made again.</summary>
    public int MaxRetries { get; set; } = 5;

    /// <summary>The wait before the first repetition; it doubles with each, with up to as much again by chance.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The longest wait, also where the registry asks for a longer one (<c>Retry-After</c>).</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a connection may take.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long an answer may take to begin, and a document to arrive.</summary>
    public TimeSpan ResponseTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a blob may bring nothing at all.</summary>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How many bytes each <see cref="IdleTimeout"/> of a blob must bring at least; fewer is a server that holds us up.</summary>
    public long MinimumProgress { get; set; } = 32 * 1024;

    /// <summary>Refuses token servers at private and link-local addresses.</summary>
    public bool DenyPrivateNetworks { get; set; }

    /// <summary>What the library calls itself.</summary>
    public string UserAgent { get; set; } = "containers-net/0.1";

    /// <summary>The same, showing one registry what a caller gave for this one call.</summary>
    internal RegistryOptions With(string registry, RegistryCredential credential)
    {
        var options = (RegistryOptions)MemberwiseClone();
        options._given = (registry, credential);
        return options;
    }

    /// <summary>What a caller gave for this registry, and for no other.</summary>
    internal RegistryCredential? GivenFor(string registry) =>
        _given is var (host, credential) && string.Equals(host, registry, StringComparison.OrdinalIgnoreCase) ? credential : null;

    internal RegistryHostOptions Host(string host) => Hosts.TryGetValue(host, out var options) ? options : new RegistryHostOptions();
}
