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
                return [.. container.Engine.Networks.EndpointsOf(container).Select(static endpoint => endpoint.Describe())];
            }
        }
    }
}
