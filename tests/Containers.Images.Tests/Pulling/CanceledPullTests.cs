using System.Globalization;
using Containers.Tests.Fixtures;
using Containers.Tests.Store;

namespace Containers.Tests.Pulling;

[Trait("Category", "Rootless")]
public sealed class CanceledPullTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    /// <summary>In a process of its own, in which nothing else opens files meanwhile.</summary>
    [Fact]
    public async Task APull_GivenUpAtAnyMoment_LeavesNothingOpen_AndTheNextCompletes()
    {
        var image = PulledImage.Create((1, 700_000), (2, 300_000), (3, 1000));
        await using var registry = await MemoryRegistry.StartAsync(image);
        using var host = StoreHost.Start(_directory["store"], "cancel", registry.Reference);
        var said = await host.ReadToEndAsync();
        Assert.Equal(0, host.ExitCode);
        var counts = Assert.Single(said).Split(' ').Select(static count => int.Parse(count, CultureInfo.InvariantCulture)).ToArray();

        Assert.True(counts is [> 20 and <= 200, var before, var after, 0, 0] && after <= before, "given up, descriptors before and after, threads, temporary files: " + said[0]);
        using var store = new PullingStore(_directory["store"]);
        Assert.Equal(image.Digest.ToString(), Assert.Single(await store.Images.ListAsync()).Digest);
        await store.RequireCleanAfterPruneAsync();
    }
}
