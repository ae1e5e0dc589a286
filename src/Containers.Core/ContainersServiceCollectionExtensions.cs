using Containers;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Containers for applications with dependency injection.</summary>
public static class ContainersServiceCollectionExtensions
{
    /// <summary>
    /// Adds a <see cref="ContainerEngine"/>, one for the application, which logs to the application's loggers and ends with it: its
    /// containers are killed when the provider is disposed.
    /// </summary>
    /// <param name="services">Where to add it.</param>
    /// <param name="configure">Changes how the engine works.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddContainers(this IServiceCollection services, Action<ContainerEngineOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(provider =>
        {
            var options = new ContainerEngineOptions { LoggerFactory = provider.GetService<ILoggerFactory>() };
            configure?.Invoke(options);
            return new ContainerEngine(options);
        });
        return services;
    }
}
