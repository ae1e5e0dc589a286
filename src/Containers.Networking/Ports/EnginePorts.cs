using System.Collections.Concurrent;
using System.Net;

namespace Containers.Ports;

/// <summary>What the containers of one engine have of this host's ports, so that it can be said which has one that is asked for again.</summary>
internal sealed class EnginePorts
{
    private readonly ConcurrentDictionary<PublishedPorts, bool> _all = new();
    private readonly ConcurrentDictionary<Container, PortSession> _sessions = new();

    public void Add(PublishedPorts ports) => _all[ports] = true;

    public void Remove(PublishedPorts ports) => _all.TryRemove(ports, out _);

    public void Add(Container container, PortSession session) => _sessions[container] = session;

    public void Remove(Container container) => _sessions.TryRemove(container, out _);

    /// <summary>What a container has published; null: nothing, or it has not started or has ended.</summary>
    public PortSession? Find(Container container) => _sessions.GetValueOrDefault(container);

    /// <summary>The container that has a port, as words that end "It is …"; null: none.</summary>
    public string? FindOwner(IPAddress? address, int port, PortProtocol protocol) =>
        _all.Keys.FirstOrDefault(ports => ports.Has(address, port, protocol)) is { } found ? $"published by the container {found.Owner} of this engine" : null;
}
