using System.Collections.Immutable;
using System.Net;
using Containers.Egress;

namespace Containers.Names;

/// <summary>What one container sees of the names. It does not change: when the container joins or leaves a network, another takes its place.</summary>
/// <param name="Registry">All names of the engine, of which none ever leaves it.</param>
/// <param name="Zones">The names of the networks that the container is in.</param>
/// <param name="MayForward">Other names are asked of the host's resolvers: the container has a way out.</param>
/// <param name="Limits">What the container has under way.</param>
internal sealed record NameView(NameRegistry Registry, ImmutableArray<NameZone> Zones, bool MayForward, AskerLimits Limits)
{
    /// <summary>The resolvers that were given for this container; null: the host's.</summary>
    public ImmutableArray<IPEndPoint>? Servers { get; init; }

    /// <summary>Whoever watches over what the container resolves; null: it may resolve anything.</summary>
    public INameObserver? Observer { get; init; }

    /// <summary>The search domains that were given for this container; null: the host's.</summary>
    public ImmutableArray<string>? Search { get; init; }

    private ImmutableArray<string> SearchDomains => Search ?? Registry.Resolvers.Current.Search;

    /// <summary>The addresses of a name: of its own, with the name of its network behind it, or with a search domain as resolvers try them.</summary>
    /// <param name="name">In lower case.</param>
    public AddressSet? Find(ReadOnlySpan<char> name)
    {
        if (FindPlain(name) is { } found)
        {
            return found;
        }

        foreach (var zone in Zones)
        {
            if (Strip(name, zone.Domain) is { Length: > 0 } plain && zone.Find(plain) is { } qualified)
            {
                return qualified;
            }
        }

        foreach (var domain in SearchDomains)
        {
            if (Strip(name, domain) is { Length: > 0 } plain && FindPlain(plain) is { } searched)
            {
                return searched;
            }
        }

        return null;
    }

    /// <summary>The name, as it is in a message, of who has an address in a network of the container.</summary>
    public byte[]? FindPointer(ReadOnlySpan<byte> address)
    {
        foreach (var zone in Zones)
        {
            if (zone.FindPointer(address) is { } name)
            {
                return name;
            }
        }

        return null;
    }

    /// <summary>Whether it is the name of a container that this one must not see, and the host's resolvers neither.</summary>
    public bool IsHidden(ReadOnlySpan<char> name)
    {
        if (Registry.Knows(name))
        {
            return true;
        }

        foreach (var domain in SearchDomains)
        {
            if (Strip(name, domain) is { Length: > 0 } plain && Registry.Knows(plain))
            {
                return true;
            }
        }

        return false;
    }

    private AddressSet? FindPlain(ReadOnlySpan<char> name)
    {
        AddressSet? all = null;
        foreach (var zone in Zones)
        {
            if (zone.Find(name) is { } found)
            {
                all = all is null ? found : all.With(found);
            }
        }

        return all;
    }

    /// <summary>The name without a domain behind it; empty where it has another.</summary>
    internal static ReadOnlySpan<char> Strip(ReadOnlySpan<char> name, ReadOnlySpan<char> domain) =>
        name.Length > domain.Length + 1 && name[^(domain.Length + 1)] == '.' && name.EndsWith(domain, StringComparison.Ordinal) ? name[..^(domain.Length + 1)] : default;
}
