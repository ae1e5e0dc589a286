using System.Net;

namespace Containers.Registries;

/// <summary>One host that a registry's content is asked for: the registry, or a mirror of it.</summary>
/// <param name="Name">The host as references name it, by which its credential is found.</param>
/// <param name="Address">Where it is served, ending in a slash.</param>
/// <param name="Options">What differs for it.</param>
/// <param name="IsMirror">Whether it stands in for another.</param>
internal sealed record RegistryEndpoint(string Name, Uri Address, RegistryHostOptions Options, bool IsMirror)
{
    /// <summary>Docker Hub's registry is not at the host that its name says.</summary>
    private const string DockerHubHost = "registry-1.docker.io";

    public static RegistryEndpoint For(string name, RegistryOptions options, bool isMirror = false)
    {
        var host = options.Host(name);
        var served = name == ImageReference.DefaultRegistry ? DockerHubHost : name;
        var secure = new Uri($"https://{served}/");

        // A registry on this machine is spoken to without TLS, as Docker does; one with its own authorities has TLS.
        var plain = host.AllowHttp || (IsLoopback(secure) && host.CertificateAuthorities.Count == 0);
        return new RegistryEndpoint(name, plain ? new Uri($"http://{served}/") : secure, host, isMirror);
    }

    /// <summary>127.0.0.0/8, ::1 and localhost: what is sent there does not leave the machine.</summary>
    public static bool IsLoopback(Uri address) => address.DnsSafeHost is "localhost"
        || (IPAddress.TryParse(address.DnsSafeHost, out var ip) && IPAddress.IsLoopback(ip));

    /// <summary>Whether it is the same host, port and scheme: the only place where this endpoint's credential may go.</summary>
    public bool IsOrigin(Uri address) => Uri.Compare(Address, address, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;
}
