using Containers.Benchmarks.Fixtures;

namespace Containers.Benchmarks.Contenders;

/// <summary>What is under test, as the harness uses it: everything this project calls of the library is called here.</summary>
internal sealed class Subject : IAsyncDisposable
{
    private static readonly string[] True = ["/bin/true"];

    private readonly ContainerEngine _engine;
    private readonly ContainerBuilder _job;

    private Subject(BusyboxRoot root)
    {
        _engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = root.SubDirectory("state") });
        _job = ContainerBuilder.FromDirectory(root.Path).WithCommand(True).WithMemory(100.MB).WithCpus(1).WithMaxProcesses(64);
    }

    public static Subject Create(BusyboxRoot root) => new(root);

    /// <summary>One container with <c>/bin/true</c>, from nothing to removed.</summary>
    public async Task RunAsync() => (await _engine.RunAsync(_job)).EnsureSuccess();

    /// <summary>The same without some of what stands between the container and the host, to see what each costs.</summary>
    public async Task RunAsync(SecurityProfile security) => (await _engine.RunAsync(_job.WithSecurity(security))).EnsureSuccess();

    /// <summary>A container that sleeps until it is disposed.</summary>
    public Task<Container> StartAsync() => _engine.StartAsync(_job.WithCommand("/bin/sleep", "3600"));

    /// <summary><c>/bin/true</c> in a container from <see cref="StartAsync"/>, to its end.</summary>
    public static async Task ExecAsync(Container container) => (await container.ExecAsync(True)).EnsureSuccess();

    public ValueTask DisposeAsync() => _engine.DisposeAsync();
}
