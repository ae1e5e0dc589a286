using Containers.Launch;

namespace Containers.Networks;

/// <summary>
/// /etc/hosts and /etc/resolv.conf of a container that runs, which follow its networks. Only the engine's own lines change; containers that
/// share its network have the same.
/// </summary>
internal sealed class NetworkFiles(NetworkSession session)
{
    private readonly Container _container = session.Container;

    /// <summary>The engine's lines of /etc/hosts.</summary>
    public string Hosts { get; private set; } = session.Container.Spec.HostsFile ?? ComposeHosts(session.Container, []);

    /// <summary>The engine's lines of /etc/resolv.conf.</summary>
    public string Resolvers { get; private set; } = session.Container.Spec.ResolverFile ?? string.Empty;

    /// <summary>
    /// Writes what its networks are now, where that is something else. What cannot be written is logged, and tried again the next time: the
    /// container may do with its own files what it likes. In turn.
    /// </summary>
    public async Task FollowAsync()
    {
        var endpoints = session.Endpoints;
        var (hosts, oldHosts) = (ComposeHosts(_container, endpoints), Hosts);
        var (resolvers, oldResolvers) = (ResolverFile.Compose(NetworkFeature.Of(_container.Spec), endpoints), Resolvers);

        // One that is to share the network, and starts only now, begins with these.
        (Hosts, Resolvers) = (hosts, resolvers);
        Hosts = await ExchangeAsync(_container, NetworkFileSteps.Hosts, oldHosts, hosts).ConfigureAwait(false);
        Resolvers = await ExchangeAsync(_container, NetworkFileSteps.Resolvers, oldResolvers, resolvers).ConfigureAwait(false);
        foreach (var container in _container.Engine.Active.Where(Shares))
        {
            _ = await ExchangeAsync(container, NetworkFileSteps.Hosts, oldHosts, hosts).ConfigureAwait(false);
            _ = await ExchangeAsync(container, NetworkFileSteps.Resolvers, oldResolvers, resolvers).ConfigureAwait(false);
        }
    }

    private static string ComposeHosts(Container container, IReadOnlyList<Endpoint> endpoints) =>
        HostsFile.Compose(container.Spec.Hostname ?? container.Id[..12], container.Spec.DomainName, endpoints, NetworkFeature.Of(container.Spec).ExtraHosts);

    /// <returns>The engine's lines that the file has from here on.</returns>
    private static async Task<string> ExchangeAsync(Container container, string path, string before, string after)
    {
        if (before == after)
        {
            return after;
        }

        try
        {
            await container.EditFileAsync(path, present => ConfigurationLines.Exchange(present, before, after)).ConfigureAwait(false);
            return after;
        }
        catch (ContainerException fault)
        {
            container.Engine.Logger.NotFollowed(container.Id, path, fault);
            return before;
        }
        catch (InvalidOperationException) when (!container.IsRunning)
        {
            // Nobody reads it any more.
            return after;
        }
    }

    private bool Shares(Container other) => other.Spec.Namespaces.Network.Owner == _container;
}
