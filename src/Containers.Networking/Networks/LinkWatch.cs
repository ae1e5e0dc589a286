using System.Collections.Concurrent;
using Containers.Interop;
using Containers.Netlink;
using Containers.Processes;
using Containers.Rtnetlink;

namespace Containers.Networks;

/// <summary>Hears from the kernel when something happens to an engine's bridges, by whomever: one socket an engine, which the reactor reads.</summary>
internal sealed class LinkWatch : IDisposable
{
    private readonly ConcurrentDictionary<int, BridgeCare> _watched = new();
    private readonly Lock _gate = new();
    private readonly FileDescriptor _socket;
    private readonly NetlinkEvents _events;

    public LinkWatch(Reactor reactor)
    {
        using var here = NetworkNamespace.Current();
        _socket = NetlinkEvents.OpenSocket(here, NetlinkFamily.Route, NetlinkEvents.LinkGroup);
        LinkFilter.Attach(_socket, []);
        _events = new NetlinkEvents(reactor, _socket, LookAtAll, Hear);
    }

    public void Add(int index, BridgeCare care)
    {
        lock (_gate)
        {
            _watched[index] = care;
            LinkFilter.Attach(_socket, [.. _watched.Keys]);
        }
    }

    /// <summary>It is heard of until the next is added, and not looked at.</summary>
    public void Remove(int index) => _watched.TryRemove(index, out _);

    public void Dispose() => _events.Dispose();

    private void Hear(NetlinkMessage message)
    {
        if (message.Type is RouteMessageType.NewLink or RouteMessageType.DeleteLink && _watched.TryGetValue(message.Read<LinkHeader>().Index, out var care))
        {
            care.Look();
        }
    }

    private void LookAtAll()
    {
        foreach (var care in _watched.Values.Distinct())
        {
            care.Look();
        }
    }
}
