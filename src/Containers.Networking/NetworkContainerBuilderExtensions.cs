using System.Net;
using System.Net.NetworkInformation;
using Containers.Networks;
using Containers.Specification.Rules;

namespace Containers;

/// <summary>Containers with networks.</summary>
public static class NetworkContainerBuilderExtensions
{
    extension(ContainerBuilder builder)
    {
        /// <summary>
        /// Connects the container to a network; called again with another one, to that too. The first that is not internal is its way out. The
        /// built-in ones are <c>bridge</c>, <c>host</c>, which is the host's own network without isolation, and <c>none</c>, the default. An
        /// ordinary user's <c>bridge</c> leads out through pasta(1), with the host's address, and not to the host or to other containers.
        /// </summary>
        /// <param name="network">The name of a network that the engine has when the container is started.</param>
        /// <param name="aliases">Further names of the container there.</param>
        /// <param name="address">Its address there, IPv4 or IPv6; null: one is chosen.</param>
        /// <param name="mac">Its hardware address there; null: one is made of the address.</param>
        /// <exception cref="ArgumentException">A value cannot be right, the network is named twice, or <c>host</c> or <c>none</c> is not the only one.</exception>
        public ContainerBuilder WithNetwork(string network, IEnumerable<string>? aliases = null, IPAddress? address = null, PhysicalAddress? mac = null) =>
            builder.WithNetwork(network, new NetworkConnection
            {
                Aliases = [.. aliases ?? []],
                Address = address is { AddressFamily: System.Net.Sockets.AddressFamily.InterNetwork } ? address : null,
                Address6 = address is { AddressFamily: not System.Net.Sockets.AddressFamily.InterNetwork } ? address : null,
                MacAddress = mac,
            });

        /// <summary>Connects the container to a network.</summary>
        /// <param name="network">A network of the engine that starts the container.</param>
        /// <param name="aliases">Further names of the container there.</param>
        /// <param name="address">Its address there, IPv4 or IPv6; null: one is chosen.</param>
        /// <param name="mac">Its hardware address there; null: one is made of the address.</param>
        /// <exception cref="ArgumentException">As with the network's name.</exception>
        public ContainerBuilder WithNetwork(NetworkInfo network, IEnumerable<string>? aliases = null, IPAddress? address = null, PhysicalAddress? mac = null)
        {
            ArgumentNullException.ThrowIfNull(network);
            return builder.WithNetwork(network.Name, aliases, address, mac);
        }

        /// <summary>Connects the container to a network.</summary>
        /// <param name="network">The name of a network that the engine has when the container is started.</param>
        /// <param name="connection">As what.</param>
        /// <exception cref="ArgumentException">As above.</exception>
        public ContainerBuilder WithNetwork(string network, NetworkConnection connection)
        {
            ArgumentNullException.ThrowIfNull(builder);
            ArgumentNullException.ThrowIfNull(connection);
            var attachment = NetworkAttachment.Of(network, connection, nameof(connection));
            var present = NetworkFeature.Of(builder.Spec).Attachments;
            var mode = builder.Spec.Namespaces.Network.Mode;
            if (network is ContainerNetworks.HostName or ContainerNetworks.NoneName)
            {
                if (!present.IsEmpty || attachment != new NetworkAttachment(network) { Aliases = attachment.Aliases } || !attachment.Aliases.IsEmpty || mode == NamespaceMode.Container || NetworkFeature.Of(builder.Spec).NeedsNetwork)
                {
                    throw new ArgumentException($"The network {network} is the only one of a container, without names or addresses there.", nameof(network));
                }

                return NetworkFeature.Change(builder.WithNamespace(NamespaceKind.Network, network == ContainerNetworks.HostName ? NamespaceMode.Host : NamespaceMode.Private), static feature => feature);
            }

            return mode != NamespaceMode.Private
                ? throw new ArgumentException("The container has the network of the host or of another container, and none of its own to connect.", nameof(network))
                : present.Any(other => other.Network == network)
                    ? throw new ArgumentException($"The network {network} is named twice.", nameof(network))
                    : NetworkFeature.Change(builder, feature => feature with { Attachments = feature.Attachments.Add(attachment) });
        }

        /// <summary>Shares the network of another container that runs when this one starts: its interfaces, ports and loopback, and its names.</summary>
        /// <param name="container">The other.</param>
        /// <exception cref="ArgumentException">Something is set that needs a network of the container's own.</exception>
        public ContainerBuilder WithNetworkOf(Container container)
        {
            ArgumentNullException.ThrowIfNull(builder);
            ArgumentNullException.ThrowIfNull(container);
            var feature = NetworkFeature.Of(builder.Spec);
            return !feature.Attachments.IsEmpty || feature.NeedsNetwork
                ? throw new ArgumentException("The container is to be on networks of its own, and cannot share another's: leave one of the two out.", nameof(container))
                : NetworkFeature.Change(builder.WithNamespace(NamespaceKind.Network, container), static feature => feature);
        }

        /// <summary>
        /// Asks these name servers for what is no container's name, instead of the host's. Where one of them is on the container's own loopback, or
        /// no network of the container leads out, the container asks them itself, and for everything.
        /// </summary>
        /// <param name="servers">Their addresses; at most three are asked (resolv.conf(5)).</param>
        /// <exception cref="ArgumentException">There is none, or there are more than three.</exception>
        public ContainerBuilder WithDns(params IPAddress[] servers)
        {
            const int MostServers = 3; // MAXNS of resolv.h
            ArgumentNullException.ThrowIfNull(builder);
            ArgumentNullException.ThrowIfNull(servers);
            return servers.Length is 0 or > MostServers || servers.Contains(null)
                ? throw new ArgumentException($"A container asks 1 to {MostServers} name servers.", nameof(servers))
                : NetworkFeature.Change(builder, feature => feature with { NameServers = [.. servers] });
        }

        /// <summary>Looks short names up in these domains, instead of the host's.</summary>
        /// <param name="domains">The domains, in order.</param>
        /// <exception cref="ArgumentException">One is no name.</exception>
        public ContainerBuilder WithDnsSearch(params string[] domains)
        {
            ArgumentNullException.ThrowIfNull(builder);
            ArgumentNullException.ThrowIfNull(domains);
            return NetworkFeature.Change(builder, feature => feature with { SearchDomains = [.. domains.Select(domain => NetworkAlias.Require(domain, nameof(domains)))] });
        }

        /// <summary>Adds a line to the container's <c>/etc/hosts</c>; a name may have several addresses.</summary>
        /// <param name="name">The name.</param>
        /// <param name="address">An address, or <c>host-gateway</c> for the host's in the container's first network.</param>
        /// <exception cref="ArgumentException">One of them cannot be right.</exception>
        public ContainerBuilder WithExtraHost(string name, string address)
        {
            ArgumentNullException.ThrowIfNull(builder);
            var line = HostsFile.Require(name, address, nameof(name), nameof(address));
            return NetworkFeature.Change(builder, feature => feature with { ExtraHosts = feature.ExtraHosts.Add(line) });
        }
    }
}
