namespace Containers;

/// <summary>Describes a container; immutable, every method returns a changed copy.</summary>
public sealed class ContainerBuilder
{
    internal ContainerBuilder(Specification.ContainerSpec spec) => Spec = spec;

    internal Specification.ContainerSpec Spec { get; }
}
