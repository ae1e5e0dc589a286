using Containers.Interop;
using Containers.Tests.Fixtures;
using Containers.Tests.Store;

namespace Containers.Tests.Pulling;

/// <summary>Runs containers as root.</summary>
public sealed class UsedImageTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task WhatAContainerNeeds_IsNotCollectedByAnotherProcess_UntilItEnds()
    {
        Assert.SkipUnless(Libc.EffectiveUserId() == 0, "runs a container as root");
        var (used, unused) = (PulledImage.CreateRunnable((1, 300_000), (2, 1000)), PulledImage.Create((1, 300_000), (3, 1000)));
        await using var registry = await MemoryRegistry.StartAsync(used);
        registry.Add(unused, "2");
        await using var engine = new ContainerEngine(new ContainerEngineOptions { Images = { Directory = _directory["store"] } });
        await engine.Images.PullAsync(registry["2"]);
        var container = await engine.StartAsync(ContainerBuilder.FromImage(registry.Reference).WithTimeout(TimeSpan.FromSeconds(60))
            .WithCommand("/bin/busybox", "sh", "-c", "while /bin/busybox cat /data-1 /data-2 > /dev/null; do :; done; exit 7"));
        await using (container)
        {
            // Not even a name that is taken away lets go of it.
            await Assert.ThrowsAsync<ImageException>(() => engine.Images.RemoveAsync(registry.Reference));
            await engine.Images.RemoveAsync(registry.Reference, force: true);
            Assert.Equal([unused.Digest.ToString()], await PruneAsync());
            for (var i = 0; i < 3; i++)
            {
                Assert.Empty(await PruneAsync());
            }

            var result = await container.ExecAsync("/bin/busybox", "wc", "-c", "/data-1", "/data-2");
            Assert.Equal("   300000 /data-1\n     1000 /data-2\n   301000 total\n", result.StandardOutput.Text);
            Assert.False(container.WaitAsync().IsCompleted);
        }

        Assert.Equal([used.Digest.ToString()], await PruneAsync());
        Assert.Empty(Directory.EnumerateDirectories(_directory["store/layers"]));
    }

    private async Task<string[]> PruneAsync()
    {
        using var host = StoreHost.Start(_directory["store"], "prune", string.Empty);
        var said = await host.ReadToEndAsync();
        Assert.Equal(0, host.ExitCode);
        return said;
    }
}
