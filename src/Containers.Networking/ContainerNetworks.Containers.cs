using System.Net;
using Containers.Features;
using Containers.Interop;
using Containers.Networks;
using Containers.Ports;
using Containers.Rootless;
using Containers.Specification;

namespace Containers;

// The containers on networks.
public sealed partial class ContainerNetworks
{
    /// <summary>
    /// Connects a running container to one more network; it gets one more interface. The lines of the engine in its <c>/etc/hosts</c> and
    /// <c>/etc/resolv.conf</c> follow; a file that was put there for it, or that it has replaced, stays as it is.
    /// </summary>
    /// <param name="network">The network's name.</param>
    /// <param name="container">The container.</param>
    /// <param name="connection">As what; null: all is chosen.</param>
    /// <param name="cancellationToken">Not used once it has begun.</param>
    /// <returns>Its place in the network.</returns>
    /// <exception cref="ArgumentException">Something of the connection cannot be right, or the container is another engine's.</exception>
    /// <exception cref="NetworkException">There is no such network, the container is connected to it, an address cannot be had, or the kernel refuses.</exception>
    /// <exception cref="InvalidOperationException">The container does not run, or has no network of its own.</exception>
    public Task<NetworkEndpointInfo> ConnectAsync(string network, Container container, NetworkConnection? connection = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        Require(container, nameof(container));
        var attachment = NetworkAttachment.Of(network, connection ?? new NetworkConnection(), nameof(connection));
        return Task.Run(
            () =>
            {
                var session = SessionOf(container);
                var bridge = FindOrCreate(network);
                return session.InTurnAsync(async () =>
                {
                    var endpoint = await TryAgainAsync(bridge, () => session.Connect(bridge, attachment)).ConfigureAwait(false);
                    await session.Files.FollowAsync().ConfigureAwait(false);
                    await FollowAsync(container).ConfigureAwait(false);
                    return endpoint.Describe();
                });
            },
            cancellationToken);
    }

    /// <summary>Takes a running container from a network; its files follow as with <see cref="ConnectAsync"/>.</summary>
    /// <param name="network">The network's name.</param>
    /// <param name="container">The container.</param>
    /// <param name="cancellationToken">Not used once it has begun.</param>
    /// <exception cref="ArgumentException">The container is another engine's.</exception>
    /// <exception cref="NetworkException">There is no such network, or the container is not connected to it.</exception>
    public Task DisconnectAsync(string network, Container container, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        Require(container, nameof(container));
        return Task.Run(
            async () =>
            {
                var bridge = FindOrCreate(network);
                if (!_sessions.TryGetValue(container.Id, out var session) || !await session.InTurnAsync(() => session.DisconnectAsync(bridge, () => LeaveAsync(session))).ConfigureAwait(false))
                {
                    throw new NetworkException("disconnect from the network", network, Errno.ENOENT, "The container is not connected to it.");
                }
            },
            cancellationToken);
    }

    internal async ValueTask<PreparedFeature> PrepareAsync(Container container, ContainerSpec spec, NetworkFeature feature, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if ((spec.WithoutNamespaces || spec.Namespaces.Network.Mode != NamespaceMode.Private) && (feature.NeedsNetwork || !feature.Attachments.IsEmpty))
        {
            throw new NetworkException("connect the container to", feature.Attachments.IsEmpty ? BridgeName : feature.Attachments[0].Network,
                "It has no network namespace of its own, which it was asked to do without: leave that out, or the network.");
        }

        if (spec.WithoutNamespaces)
        {
            return new PreparedFeature(spec, null);
        }

        if (spec.Namespaces.Network is { Mode: not NamespaceMode.Private } shared)
        {
            return new PreparedFeature(WithFilesOf(spec, feature, shared), null);
        }

        if (_engine.Facts.IsRootless && (feature.NeedsNetwork || !feature.Attachments.IsEmpty))
        {
            return UserNetwork.Of(_engine).Prepare(container, spec, feature);
        }

        var session = new NetworkSession(container, Forget);
        try
        {
            var attachments = feature is { Attachments.IsEmpty: true, NeedsNetwork: true } ? [new NetworkAttachment(BridgeName)] : feature.Attachments;
            foreach (var attachment in attachments)
            {
                // Making the built-in bridge is work for another thread than the caller's.
                var network = Existing(attachment.Network) ?? await Task.Run(() => FindOrCreate(attachment.Network), CancellationToken.None).ConfigureAwait(false);
                _ = await TryAgainAsync(network, () => session.Reserve(network, attachment)).ConfigureAwait(false);
            }

            var endpoints = session.Endpoints;
            HostsFile.RequireGateway(endpoints, feature.ExtraHosts);
            var prepared = spec with
            {
                HostsFile = HostsFile.Compose(spec.Hostname ?? container.Id[..12], spec.DomainName, endpoints, feature.ExtraHosts),
                ResolverFile = ResolverFile.Compose(feature, endpoints),
            };
            _sessions[container.Id] = session;
            return new PreparedFeature(prepared, session);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Before its interface goes, what the container asks and what leads to it is elsewhere.</summary>
    private async ValueTask LeaveAsync(NetworkSession session)
    {
        await session.Files.FollowAsync().ConfigureAwait(false);
        await FollowAsync(session.Container).ConfigureAwait(false);
    }

    /// <summary>Published ports lead to where the container is now.</summary>
    private ValueTask FollowAsync(Container container) => _engine.Extension(static _ => new EnginePorts()).Find(container)?.FollowAsync() ?? ValueTask.CompletedTask;

    /// <summary>An address of a container that has just ended is free a moment later: that is waited for.</summary>
    private static async ValueTask<Endpoint> TryAgainAsync(BridgeNetwork network, Func<Endpoint> take)
    {
        // Those that leave already, not what a failure of this takes away.
        var leaving = network.SettledAsync();
        try
        {
            return take();
        }
        catch (NetworkException) when (!leaving.IsCompleted)
        {
            await leaving.ConfigureAwait(false);
            return take();
        }
    }

    private BridgeNetwork? Existing(string name)
    {
        lock (_gate)
        {
            return _networks.GetValueOrDefault(name);
        }
    }

    /// <summary>With the host's network, its files; with another container's, that one's.</summary>
    private ContainerSpec WithFilesOf(ContainerSpec spec, NetworkFeature feature, NamespaceOption shared)
    {
        const string HostsOwn = "/etc/hosts";
        if (shared.Owner is { } owner)
        {
            var files = _sessions.TryGetValue(owner.Id, out var session) ? session.Files : null;
            return spec with { HostsFile = files?.Hosts ?? owner.Spec.HostsFile ?? spec.HostsFile, ResolverFile = files?.Resolvers ?? owner.Spec.ResolverFile ?? spec.ResolverFile };
        }

        var hosts = File.Exists(HostsOwn) ? File.ReadAllText(HostsOwn) : string.Empty;
        if (!feature.ExtraHosts.IsEmpty)
        {
            // The host's own address, for the host, is its loopback.
            hosts += string.Concat(feature.ExtraHosts.Select(static line => $"{(line.Value == HostsFile.HostGateway ? "127.0.0.1" : line.Value)}\t{line.Key}\n"));
        }

        return spec with
        {
            HostsFile = hosts,
            ResolverFile = feature.NameServers.IsEmpty ? spec.ResolverFile : ResolverFile.Compose(feature.NameServers, feature.SearchDomains, []),
        };
    }

    private void Forget(NetworkSession session) => _sessions.TryRemove(new(session.Container.Id, session));

    /// <summary>What a container has of networks; one that was started without any gets it now.</summary>
    private NetworkSession SessionOf(Container container)
    {
        if (_sessions.TryGetValue(container.Id, out var session))
        {
            return session;
        }

        if (container.Spec.Namespaces.Network.Mode != NamespaceMode.Private)
        {
            throw new InvalidOperationException("The container shares the network of the host or of another container, and is connected to what that is.");
        }

        var added = new NetworkSession(container, Forget);
        added.Enter(container.NamespaceOf(NamespaceKind.Network));
        session = _sessions.GetOrAdd(container.Id, added);
        if (session != added)
        {
            added.Dispose();
            return session;
        }

        try
        {
            container.Add(added);
            return added;
        }
        catch
        {
            added.Dispose();
            throw;
        }
    }

    private void Require(Container container, string parameter)
    {
        ArgumentNullException.ThrowIfNull(container, parameter);
        if (container.Engine != _engine)
        {
            throw new ArgumentException("The container is another engine's.", parameter);
        }
    }
}
