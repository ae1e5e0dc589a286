using System.Collections.Immutable;
using Containers.Features;
using Containers.Interop;
using Containers.Specification;

namespace Containers.Ports;

/// <summary>The ports asked for a container to be published.</summary>
internal sealed record PortFeature : IContainerFeature
{
    public ImmutableArray<PortMapping> Mappings { get; init; } = [];

    public static PortFeature Of(ContainerSpec spec) => spec.Features.OfType<PortFeature>().FirstOrDefault() ?? new PortFeature();

    public ValueTask<PreparedFeature> PrepareAsync(Container container, ContainerSpec spec, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var engine = container.Engine;
        if (!engine.Facts.IsRootless && engine.Networks.EndpointsOf(container).All(static endpoint => endpoint.Network.IsInternal))
        {
            throw new NetworkException("publish ports of the container", PortSession.NameOf(container), Errno.ENETUNREACH,
                "Its networks are internal, and nothing leads into them: connect it to another one too.");
        }

        var ports = engine.Extension(static _ => new EnginePorts());
        return ValueTask.FromResult(new PreparedFeature(spec, PortSession.Reserve(container, ports, Mappings, engine.Facts.IsRootless)));
    }
}
