using System.Collections.Immutable;
using System.Net;

namespace Containers.Names;

/// <summary>The names on all networks of one engine.</summary>
/// <param name="resolvers">Whom names of others are asked of.</param>
/// <param name="faults">Hears what kept an answer from being given.</param>
internal sealed class NameRegistry(HostResolvers resolvers, Action<NetworkException>? faults = null)
{
    private ImmutableArray<NameZone> _zones = [];

    /// <summary>Whom names of others are asked of.</summary>
    public HostResolvers Resolvers => resolvers;

    /// <summary>A new network.</summary>
    /// <param name="network">Its name.</param>
    /// <param name="subnets">Its addresses.</param>
    /// <param name="isInternal">It has no way out.</param>
    public NameZone AddZone(string network, IReadOnlyList<IPNetwork> subnets, bool isInternal)
    {
        var zone = new NameZone(this, network.ToLowerInvariant(), subnets, isInternal);
        ImmutableInterlocked.Update(ref _zones, static (zones, added) => zones.Add(added), zone);
        return zone;
    }

    /// <summary>A container that will join networks.</summary>
    /// <param name="servers">The resolvers given for it; null: the host's.</param>
    /// <param name="search">The search domains given for it; null: the host's.</param>
    public ContainerNames AddContainer(IEnumerable<IPEndPoint>? servers = null, IEnumerable<string>? search = null) => new(new NameView(this, [], MayForward: false, new AskerLimits())
    {
        Servers = servers is null ? null : [.. servers],
        Search = search is null ? null : [.. search.Select(static domain => domain.Trim('.').ToLowerInvariant())],
    });

    /// <summary>
    /// Whether a container has the name in any network. A name with a dot in it counts only with its network's name behind it: an alias that
    /// looks as a name of the Internet does, in one network, must not take that name away from all others.
    /// </summary>
    public bool Knows(ReadOnlySpan<char> name)
    {
        var isShort = !name.Contains('.');
        foreach (var zone in _zones)
        {
            if (isShort ? zone.Find(name) is not null : NameView.Strip(name, zone.Domain) is { Length: > 0 } plain && zone.Find(plain) is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether an address is of any of the networks.</summary>
    public bool Covers(ReadOnlySpan<byte> address)
    {
        var whole = new IPAddress(address);
        foreach (var zone in _zones)
        {
            foreach (var subnet in zone.Subnets)
            {
                if (subnet.Contains(whole))
                {
                    return true;
                }
            }
        }

        return false;
    }

    internal void ReportFault(NetworkException fault) => faults?.Invoke(fault);

    internal void Remove(NameZone zone) => ImmutableInterlocked.Update(ref _zones, static (zones, removed) => zones.Remove(removed), zone);
}
