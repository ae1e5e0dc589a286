using Containers.Ports;

namespace Containers;

/// <summary>The published ports of a container.</summary>
public static class PortContainerExtensions
{
    extension(Container container)
    {
        /// <summary>All of them, in the order in which they were asked for; none before the container starts, and none after its end.</summary>
        public IReadOnlyList<PublishedPort> Ports
        {
            get
            {
                ArgumentNullException.ThrowIfNull(container);
                return container.Engine.Extension(static _ => new EnginePorts()).Find(container)?.Ports ?? [];
            }
        }

        /// <summary>The port of this host at which one of the container is published; the first, where there are several.</summary>
        /// <param name="containerPort">The container's port.</param>
        /// <param name="protocol">TCP or UDP.</param>
        /// <exception cref="InvalidOperationException">The container was not started, or has ended.</exception>
        /// <exception cref="ArgumentException">The container does not publish that port.</exception>
        public int GetPort(int containerPort, PortProtocol protocol = PortProtocol.Tcp)
        {
            var ports = container.Ports;
            return ports.FirstOrDefault(port => port.ContainerPort == containerPort && port.Protocol == protocol) is { } found
                ? found.HostPort
                : ports.Count == 0 && PortFeature.Of(container.Spec).Mappings.Length > 0
                    ? throw new InvalidOperationException("The container has ports while it runs, and was not started or has ended.")
                    : throw new ArgumentException(
                        $"The container publishes {(ports.Count == 0 ? "no port" : string.Join(", ", ports))}, and not {containerPort}/{PortRule.WordOf(protocol)}; ask for it with WithPort.", nameof(containerPort));
        }
    }
}
