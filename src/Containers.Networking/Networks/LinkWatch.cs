using System.Collections.Concurrent;
using Containers.Netlink;
using Containers.Processes;
using Containers.Rtnetlink;

namespace Containers.Networks;

/// <summary>Hears from the kernel when something happens to an engine's bridges, by whomever: one socket an engine, which the reactor reads.</summary>
internal sealed class LinkWatch : IDisposable
{
    private readonly ConcurrentDictionary<int, BridgeCare> _watched = new();
    private readonly NetlinkEvents _events;

    public LinkWatch(Reactor reactor)
    {
        using var here = NetworkNamespace.Current();
        _events = new NetlinkEvents(reactor, NetlinkEvents.OpenSocket(here, NetlinkFamily.Route, NetlinkEvents.LinkGroup), LookAtAll, Hear);
    }

    public void Add(int index, BridgeCare care) => _watched[index] = care;

    public void Remove(int index) => _watched.TryRemove(index, out _);

    public void Dispose() => _events.Dispose();

    /// <summary>Containers come and go all the time; only what is said of a bridge, or its port to other hosts, is a reason to look.</summary>
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
