using System.Collections.Concurrent;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Containers.Registries;

/// <summary>The connections: shared by all requests, and apart for hosts with authorities of their own. Proxies are the environment's (HTTPS_PROXY, NO_PROXY).</summary>
internal sealed class HttpClients(RegistryOptions options) : IDisposable
{
    private const int MaxHeadersKilobytes = 64;

    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, Lazy<HttpClient>> _own = new(StringComparer.OrdinalIgnoreCase);

    public HttpClient For(Uri address)
    {
        if (options.HttpClientFactory is { } given)
        {
            return given();
        }

        var name = address.Authority;
        var authorities = options.Host(name is "registry-1.docker.io" ? ImageReference.DefaultRegistry : name).CertificateAuthorities;
        return _own.GetOrAdd(authorities.Count == 0 ? string.Empty : name, static (_, made) => new Lazy<HttpClient>(() => Create(made.options, made.authorities)), (options, authorities)).Value;
    }

    public void Dispose()
    {
        foreach (var client in _own.Values)
        {
            client.Value.Dispose();
        }

        _own.Clear();
    }

    private static HttpClient Create(RegistryOptions options, X509Certificate2Collection authorities)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = System.Net.DecompressionMethods.None,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionLifetime = ConnectionLifetime,
            MaxResponseHeadersLength = MaxHeadersKilobytes,
            EnableMultipleHttp2Connections = true,
            SslOptions = new SslClientAuthenticationOptions { EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 },
        };
        if (authorities.Count > 0)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(authorities);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }
}
