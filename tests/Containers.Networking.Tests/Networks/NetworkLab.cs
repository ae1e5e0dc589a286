using Containers.Rtnetlink;

namespace Containers.Tests.Networks;

/// <summary>An engine of a test's own on the host that the tests play.</summary>
internal sealed class NetworkLab : IAsyncDisposable
{
    private readonly TestDirectory _state = new();

    public NetworkLab()
    {
        Assert.SkipUnless(OwnNetwork.IsHere, "only root may make networks of its own");
        Engine = new ContainerEngine(new ContainerEngineOptions { StateDirectory = _state.Path + "/state" });
    }

    public ContainerEngine Engine { get; }

    public ContainerNetworks Networks => Engine.Networks;

    public string StateDirectory => _state.Path + "/state";

    /// <summary>The host's interfaces.</summary>
    public RouteClient Host { get; } = RouteClient.Open();

    public Task<Container> StartAsync(ContainerBuilder job) => Engine.StartAsync(job, Box.Token);

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        Host.Dispose();
        _state.Dispose();
    }
}
