using Containers.Oci;
using Containers.Tests.Fixtures;
using Containers.Tests.Store;

namespace Containers.Tests.Pulling;

/// <summary>Several processes, and many threads of each, that want one image.</summary>
[Trait("Category", "Rootless")]
public sealed class SharedStoreTests : IDisposable
{
    private const int Processes = 2;
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task ProcessesAndThreads_PullingOneImageAtOnce_FetchAndUnpackEachLayerOnce()
    {
        var image = PulledImage.Create([.. Enumerable.Range(0, 6).Select(static seed => (seed, 500_000))]);
        await using var registry = await MemoryRegistry.StartAsync(image);
        var hosts = Enumerable.Range(0, Processes).Select(_ => StoreHost.Start(_directory["store"], "pull", registry.Reference)).ToList();
        try
        {
            var said = await Task.WhenAll(hosts.Select(static host => host.ReadToEndAsync()));
            Assert.All(hosts, static host => Assert.Equal(0, host.ExitCode));
            Assert.All(said, lines => Assert.Equal(image.Digest.ToString(), lines[^1]));
            var layers = image.Blobs.Select(static blob => Digest.Of(blob).ToString()).Order().ToList();
            Assert.Equal(layers, said.SelectMany(static lines => lines).Where(static line => line.StartsWith("unpacked ", StringComparison.Ordinal)).Select(static line => line["unpacked ".Length..]).Order());
            Assert.All(layers, layer => Assert.Single(registry.BlobRequests[layer]));
        }
        finally
        {
            hosts.ForEach(static host => host.Dispose());
        }

        using var store = new PullingStore(_directory["store"]);
        Assert.Equal(image.Blobs.Length, store.Layers.Count);
        await store.RequireCleanAfterPruneAsync();
    }
}
