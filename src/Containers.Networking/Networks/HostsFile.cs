using System.Net;
using System.Net.Sockets;
using System.Text;
using Containers.Launch;
using Containers.Specification.Rules;

namespace Containers.Networks;

/// <summary>A container's /etc/hosts, as Docker writes it.</summary>
internal static class HostsFile
{
    /// <summary>Stands for the host's address in the container's first network.</summary>
    public const string HostGateway = "host-gateway";

    /// <exception cref="NetworkException">An address of the host was asked for, and there is none.</exception>
    public static void RequireGateway(IReadOnlyList<Endpoint> endpoints, IReadOnlyList<KeyValuePair<string, string>> extra)
    {
        if (endpoints.Count == 0 && extra.FirstOrDefault(static line => line.Value == HostGateway).Key is { } name)
        {
            throw new NetworkException("write /etc/hosts with", name, $"{HostGateway} is the host's address in the container's network, and it has none: use WithNetwork.");
        }
    }

    /// <summary>The whole file. Where the container is in no network any more, the host has no address there.</summary>
    /// <param name="hostname">The container's.</param>
    /// <param name="domainName">What is behind it.</param>
    /// <param name="endpoints">Its places in networks.</param>
    /// <param name="extra">Further lines.</param>
    /// <param name="alone">Its own address where it is in no network; null: one of its loopback.</param>
    public static string Compose(string hostname, string? domainName, IReadOnlyList<Endpoint> endpoints, IReadOnlyList<KeyValuePair<string, string>> extra, IPAddress? alone = null)
    {
        var text = new StringBuilder(NetworkFileSteps.Loopback);
        foreach (var (name, value) in extra)
        {
            if (value != HostGateway)
            {
                text.Append(value).Append('\t').Append(name).Append('\n');
            }
            else if (endpoints.Count > 0)
            {
                Append(text, endpoints[0].Network.Gateway4, endpoints[0].Network.Gateway6, name);
            }
        }

        foreach (var endpoint in endpoints)
        {
            Append(text, endpoint.Address4, endpoint.Address6, NetworkFileSteps.OwnNames(hostname, domainName));
        }

        if (endpoints.Count == 0)
        {
            text.Append(NetworkFileSteps.OwnLine(hostname, domainName, alone?.ToString()));
        }

        return text.ToString();
    }

    /// <summary>A line that a caller asks for.</summary>
    /// <exception cref="ArgumentException">The name or the address cannot be one.</exception>
    public static KeyValuePair<string, string> Require(string name, string address, string nameParameter, string addressParameter)
    {
        ArgumentNullException.ThrowIfNull(address, addressParameter);
        NetworkAlias.Require(name, nameParameter);
        if (address == HostGateway)
        {
            return new(name, address);
        }

        return IPAddress.TryParse(address, out var parsed) && (parsed.AddressFamily == AddressFamily.InterNetworkV6 || address.Count('.') == 3)
            ? new(name, parsed.ToString())
            : throw new ArgumentException($"'{Printable.Shorten(address)}' is no address, nor {HostGateway}.", addressParameter);
    }

    private static void Append(StringBuilder text, IPAddress four, IPAddress? six, string names)
    {
        text.Append(four).Append('\t').Append(names).Append('\n');
        if (six is not null)
        {
            text.Append(six).Append('\t').Append(names).Append('\n');
        }
    }
}
