using System.Net;
using System.Net.Sockets;

namespace Containers.Registries;

/// <summary>
/// Decides whether the token server that a registry names may be asked. Whoever can answer in a registry's place could else have our
/// credential sent anywhere, or us ask addresses that only we can reach (CVE-2020-15157).
/// </summary>
internal static class TokenRealm
{
    private const int HttpsPort = 443;

    /// <exception cref="ImageException">It may not.</exception>
    public static async Task RequireAllowedAsync(Uri realm, RegistryEndpoint endpoint, RegistryOptions options, CancellationToken cancellationToken)
    {
        // Over plain http only where the registry itself is, and the realm is a host that may be spoken to so.
        var plain = realm.Scheme == Uri.UriSchemeHttp && endpoint.Address.Scheme == Uri.UriSchemeHttp
            && (RegistryEndpoint.IsLoopback(realm) || options.Host(realm.Authority).AllowHttp || realm.Authority == endpoint.Address.Authority);
        if (realm.Scheme != Uri.UriSchemeHttps && !plain)
        {
            throw Refuse("is not reached by https");
        }

        if (realm.UserInfo.Length > 0 || !(IsRelated(realm, endpoint) || endpoint.Options.TokenHosts.Any(host => IsSame(host, realm))))
        {
            throw Refuse("is not the registry's own. If it is right, add its host to RegistryHostOptions.TokenHosts");
        }

        if (options.DenyPrivateNetworks && await IsPrivateAsync(realm, cancellationToken).ConfigureAwait(false))
        {
            throw Refuse("has a private address, which RegistryOptions.DenyPrivateNetworks forbids");
        }

        ImageException Refuse(string reason) => new("log in to", endpoint.Name, $"The token server that it names, {Redaction.Of(realm)}, {reason}.");
    }

    /// <summary>
    /// The same host, one below it or the one above it (registry.gitlab.com has gitlab.com). Not its neighbours: under many domains they
    /// are other people's (a.azurecr.io and b.azurecr.io), and which domains is nothing that can be computed.
    /// </summary>
    private static bool IsRelated(Uri realm, RegistryEndpoint endpoint)
    {
        var own = endpoint.Address;
        var (host, registry) = (realm.IdnHost, own.IdnHost);
        if (realm.Port != own.Port && realm.Port != HttpsPort)
        {
            return false;
        }

        if (host.Equals(registry, StringComparison.OrdinalIgnoreCase) || (endpoint.Name == ImageReference.DefaultRegistry && host is "auth.docker.io"))
        {
            return true;
        }

        return realm.HostNameType == UriHostNameType.Dns && own.HostNameType == UriHostNameType.Dns
            && (host.EndsWith("." + registry, StringComparison.OrdinalIgnoreCase)
                || (host.Contains('.', StringComparison.Ordinal) && registry.EndsWith("." + host, StringComparison.OrdinalIgnoreCase)));
    }

    private static bool IsSame(string host, Uri realm) =>
        host.Equals(realm.Authority, StringComparison.OrdinalIgnoreCase) || (realm.IsDefaultPort && host.Equals(realm.Host, StringComparison.OrdinalIgnoreCase));

    private static async Task<bool> IsPrivateAsync(Uri realm, CancellationToken cancellationToken)
    {
        try
        {
            return Array.Exists(await Dns.GetHostAddressesAsync(realm.DnsSafeHost, cancellationToken).ConfigureAwait(false), IsPrivate);
        }
        catch (SocketException)
        {
            // It has no address; the request will say so.
            return false;
        }
    }

    private static bool IsPrivate(IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var bytes = address.GetAddressBytes();
        return IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || address.IsIPv6UniqueLocal || address.IsIPv6SiteLocal
            || (address.AddressFamily == AddressFamily.InterNetwork && (bytes[0], bytes[1]) is (10 or 0, _) or (127, _) or (169, 254) or (192, 168) or (172, >= 16 and <= 31) or (100, >= 64 and <= 127));
    }
}
