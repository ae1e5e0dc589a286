using Containers.Specification;

namespace Containers.Features;

/// <summary>A part of a container's life that a further package adds. It is in the spec, and may serve many containers.</summary>
internal interface IContainerFeature
{
    /// <summary>
    /// Before the launch: reserves what may be refused, and says what is launched with it. What this throws is the reason why there is no
    /// container; nothing may be left behind then.
    /// </summary>
    /// <param name="container">The container, which has no process yet.</param>
    /// <param name="spec">What would be launched without this.</param>
    /// <param name="cancellationToken">Gives the start up.</param>
    public ValueTask<PreparedFeature> PrepareAsync(Container container, ContainerSpec spec, CancellationToken cancellationToken);
}

/// <summary>What a feature makes of one container.</summary>
/// <param name="Spec">What is launched.</param>
/// <param name="Session">What it has for the container, until its end; null: nothing.</param>
internal sealed record PreparedFeature(ContainerSpec Spec, IFeatureSession? Session);
