namespace Containers.Tests.Rootless;

/// <summary>An engine of whoever runs the tests: an ordinary user's where they are run by one, and the same code has to work with root's.</summary>
internal sealed class UserLab : IAsyncDisposable
{
    private readonly TestDirectory _state = new();

    public UserLab() => Engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = _state.Path + "/state" });

    public ContainerEngine Engine { get; }

    public static bool IsUser => !Environment.IsPrivilegedProcess;

    public Task<Container> StartAsync(ContainerBuilder job) => Engine.StartAsync(job, Box.Token);

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        _state.Dispose();
    }
}
