namespace Containers;

// From the description to the container.
public sealed partial class ContainerBuilder
{
    /// <summary>Runs the job to its end on <see cref="ContainerEngine.Default"/>, and leaves nothing of it behind.</summary>
    /// <inheritdoc cref="ContainerEngine.RunAsync"/>
    public Task<ContainerResult> RunAsync(CancellationToken cancellationToken = default) => ContainerEngine.Default.RunAsync(this, cancellationToken);

    /// <summary>Starts the container on <see cref="ContainerEngine.Default"/>, and returns once its command runs.</summary>
    /// <inheritdoc cref="ContainerEngine.StartAsync"/>
    public Task<Container> StartAsync(CancellationToken cancellationToken = default) => ContainerEngine.Default.StartAsync(this, cancellationToken);

    /// <summary>The program of system calls that would set the container up, one a line. Nothing is run.</summary>
    /// <inheritdoc cref="ContainerEngine.Explain"/>
    public string Explain() => ContainerEngine.Default.Explain(this);
}
