namespace Containers;

/// <summary>Networks of an engine.</summary>
public static class NetworkEngineExtensions
{
    extension(ContainerEngine engine)
    {
        /// <summary>The networks that containers of this engine can be connected to.</summary>
        public ContainerNetworks Networks
        {
            get
            {
                ArgumentNullException.ThrowIfNull(engine);
                return engine.Extension(static engine => new ContainerNetworks(engine));
            }
        }
    }
}
