using System.Net;
using Containers.Networks;
using Containers.Ports;
using Containers.Specification.Rules;

namespace Containers;

/// <summary>Containers with published ports.</summary>
public static class PortContainerBuilderExtensions
{
    extension(ContainerBuilder builder)
    {
        /// <summary>
        /// Publishes a port of the container at a port of this host. It is reached there from other machines, from the host by any of its
        /// addresses, loopback included, and from other containers; who connects by an address other than loopback is seen by the container
        /// under the own address. A container without a network gets the built-in one, <c>bridge</c>. The host's port is taken before the
        /// container is launched, so that starting it fails where somebody has it. For an ordinary user, this process passes everything on: the
        /// container sees all clients under one address that is not theirs, and other containers do not reach the port.
        /// </summary>
        /// <param name="containerPort">The container's port, from 1 to 65535.</param>
        /// <param name="hostPort">The host's port; 0: one that is free (<c>Container.GetPort</c>).</param>
        /// <param name="protocol">TCP or UDP.</param>
        /// <param name="hostAddress">
        /// The address of this host; null: every one. A port that is published at a loopback address cannot be reached from elsewhere.
        /// </param>
        /// <exception cref="ArgumentException">
        /// A port, the protocol or the address cannot be right, the same port of the host is published twice, or the container has the
        /// network of the host or of another container.
        /// </exception>
        public ContainerBuilder WithPort(int containerPort, int hostPort = 0, PortProtocol protocol = PortProtocol.Tcp, IPAddress? hostAddress = null) =>
            Add(builder, PortMapping.Create(containerPort, hostPort, protocol, hostAddress), nameof(hostPort));

        /// <summary>Publishes a port, or a range of ports, as <c>docker run --publish</c> does.</summary>
        /// <param name="mapping">
        /// <c>[address:][host port]:container port[/protocol]</c> or the container's port alone: <c>8080:80</c>, <c>127.0.0.1:5353:53/udp</c>,
        /// <c>[::1]:8080:80</c>, <c>8000-8010:8000-8010</c>, <c>8000-8010:80</c> for the first of these that is free, <c>80</c> for any that is.
        /// </param>
        /// <exception cref="ArgumentException">
        /// <paramref name="mapping"/> is no such text, the same port of the host is published twice, or the container has the network of the
        /// host or of another container.
        /// </exception>
        public ContainerBuilder WithPort(string mapping)
        {
            ArgumentNullException.ThrowIfNull(mapping);
            return Add(builder, PortMapping.Parse(mapping, nameof(mapping)), nameof(mapping));
        }

        /// <summary>
        /// Publishes several ports. Each takes a descriptor of this process, so the limit of open files is also one of ports; rules they
        /// take none.
        /// </summary>
        /// <param name="containerPorts">The container's ports.</param>
        /// <param name="hostPorts">
        /// The host's, as many; for one port of the container, the first of these that is free. Null: for each any that is free.
        /// </param>
        /// <param name="protocol">TCP or UDP.</param>
        /// <param name="hostAddress">The address of this host; null: every one.</param>
        /// <exception cref="ArgumentException">As with one port, or there are not as many of the host as of the container.</exception>
        public ContainerBuilder WithPorts(PortRange containerPorts, PortRange? hostPorts = null, PortProtocol protocol = PortProtocol.Tcp, IPAddress? hostAddress = null) =>
            Add(builder, PortMapping.Create(containerPorts, hostPorts, protocol, hostAddress), nameof(hostPorts));
    }

    private static ContainerBuilder Add(ContainerBuilder builder, PortMapping mapping, string parameter)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (builder.Spec.Namespaces.Network.Mode != NamespaceMode.Private)
        {
            throw new ArgumentException("The container has the network of the host or of another container: its ports are that one's, and there is nothing to publish.", parameter);
        }

        var feature = PortFeature.Of(builder.Spec);
        if (feature.Mappings.FirstOrDefault(mapping.ContradictedBy) is { } other)
        {
            throw new ArgumentException($"{mapping} and {other} are the same port of the host; publish one of them at another.", parameter);
        }

        var connected = NetworkFeature.Change(builder, static networks => networks with { NeedsNetwork = true }).Spec;
        return new ContainerBuilder(connected with
        {
            Features = [.. connected.Features.Where(static part => part is not PortFeature), feature with { Mappings = feature.Mappings.Add(mapping) }],
        });
    }
}
