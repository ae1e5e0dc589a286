using System.Net;
using System.Text;

namespace Containers.Networks;

/// <summary>A container's /etc/resolv.conf.</summary>
internal static class ResolverFile
{
    private const string Dots = "ndots:";

    /// <summary>
    /// The server of the first network that was made for a purpose, which asks further, also those that were given. Given ones that only the
    /// container can reach it asks itself: its own loopback, and any where none of its networks leads out.
    /// </summary>
    public static string Compose(NetworkFeature feature, IReadOnlyList<Endpoint> endpoints)
    {
        if (endpoints.Count == 0 || feature.NameServers.Any(IPAddress.IsLoopback) || (!feature.NameServers.IsEmpty && endpoints.All(static endpoint => endpoint.Network.IsInternal)))
        {
            return Compose(feature.NameServers, feature.SearchDomains, []);
        }

        var network = (endpoints.FirstOrDefault(static endpoint => endpoint.Network.Name != ContainerNetworks.BridgeName) ?? endpoints[0]).Network;
        var hosts = network.Resolvers;
        return Compose([network.Gateway4], feature.SearchDomains.IsEmpty ? hosts.Search : feature.SearchDomains, OptionsFor(hosts.Options));
    }

    /// <param name="servers">Who is asked.</param>
    /// <param name="domains">Where short names are looked for.</param>
    /// <param name="options">How.</param>
    public static string Compose(IEnumerable<IPAddress> servers, IReadOnlyCollection<string> domains, IReadOnlyCollection<string> options)
    {
        var text = new StringBuilder();
        foreach (var server in servers)
        {
            text.Append("nameserver ").Append(server).Append('\n');
        }

        if (domains.Count > 0)
        {
            text.Append("search ").AppendJoin(' ', domains).Append('\n');
        }

        if (options.Count > 0)
        {
            text.Append("options ").AppendJoin(' ', options).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The host's options, and names without a dot tried as they are first: they are containers' more often than of a search domain.</summary>
    private static IReadOnlyCollection<string> OptionsFor(IReadOnlyCollection<string> hosts) =>
        hosts.Any(static option => option.StartsWith(Dots, StringComparison.Ordinal)) ? hosts : [.. hosts, Dots + "0"];
}
