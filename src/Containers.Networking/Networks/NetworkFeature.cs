using System.Collections.Immutable;
using System.Net;
using Containers.Egress;
using Containers.Features;
using Containers.Specification;

namespace Containers.Networks;

/// <summary>The networks asked for a container. The first feature of its spec, so that what others add finds its addresses.</summary>
internal sealed record NetworkFeature : IContainerFeature
{
    private static readonly NetworkFeature Empty = new();

    public ImmutableArray<NetworkAttachment> Attachments { get; init; } = [];

    /// <summary>Something was asked for that needs a network: where none is named, it is the built-in bridge.</summary>
    public bool NeedsNetwork { get; init; }

    /// <summary>What it may send; null: everything, by its own addresses.</summary>
    public EgressPolicy? Egress { get; init; }

    /// <summary>How fast, and how far away.</summary>
    public NetworkShape Shape { get; init; } = NetworkShape.None;

    /// <summary>Name servers to ask instead; none: what the networks say.</summary>
    public ImmutableArray<IPAddress> NameServers { get; init; } = [];

    /// <summary>Domains to look for short names in; none: the host's.</summary>
    public ImmutableArray<string> SearchDomains { get; init; } = [];

    /// <summary>Lines for /etc/hosts: name, and address or <c>host-gateway</c>.</summary>
    public ImmutableArray<KeyValuePair<string, string>> ExtraHosts { get; init; } = [];

    public static NetworkFeature Of(ContainerSpec spec) => spec.Features.OfType<NetworkFeature>().FirstOrDefault() ?? Empty;

    /// <summary>The builder with this changed.</summary>
    public static ContainerBuilder Change(ContainerBuilder builder, Func<NetworkFeature, NetworkFeature> change)
    {
        var spec = builder.Spec;
        return new ContainerBuilder(spec with { Features = [change(Of(spec)), .. spec.Features.Where(static feature => feature is not NetworkFeature)] });
    }

    public ValueTask<PreparedFeature> PrepareAsync(Container container, ContainerSpec spec, CancellationToken cancellationToken) =>
        container.Engine.Networks.PrepareAsync(container, spec, this, cancellationToken);
}
