using Containers.Rootless;

namespace Containers;

/// <summary>What a container is connected to.</summary>
public static class ContainerNetworkExtensions
{
    extension(Container container)
    {
        /// <summary>Its places in networks, in the order of its interfaces; none before it starts, and none after its end.</summary>
        public IReadOnlyList<NetworkEndpointInfo> Networks
        {
            get
            {
                ArgumentNullException.ThrowIfNull(container);
                return UserNetwork.Of(container.Engine).Find(container)?.Endpoint is { } alone ? [alone] : [.. container.Engine.Networks.EndpointsOf(container).Select(static endpoint => endpoint.Describe())];
            }
        }
    }
}
