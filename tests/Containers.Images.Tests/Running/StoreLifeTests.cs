namespace Containers.Tests.Running;

/// <summary>What removing and pruning leave to containers that run.</summary>
public sealed class StoreLifeTests(SharedImages shared) : IAsyncLifetime
{
    private readonly ImageHost _host = new();
    private string _base = null!;

    public async ValueTask InitializeAsync()
    {
        _base = await shared.NewNameAsync();
        new OciLayout(shared.BaseLayout).Push(SharedImages.BaseTag, _base);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task ImageOfARunningContainer_IsNotRemoved_AndIsWhenItEnded()
    {
        await using (var container = await _host.StartAsync(ContainerBuilder.FromImage(_base), "true"))
        {
            var refused = await Assert.ThrowsAsync<ImageException>(() => _host.Images.RemoveAsync(_base, cancellationToken: ImageHost.Token));
            Assert.Contains("use", refused.Message, StringComparison.Ordinal);
            Assert.True(Assert.Single(await _host.Images.ListAsync(ImageHost.Token)).IsInUse);
            var pruned = await _host.Images.PruneAsync(all: true, cancellationToken: ImageHost.Token);
            Assert.Empty(pruned.Names);

            // What the container has not read yet is there still.
            Assert.Equal("ada:x:1000:1000::/home/ada:/bin/sh\n", (await container.ExecAsync("/bin/awk", "/ada/", "/etc/passwd")).StandardOutput.Text);
            Assert.Empty(await _host.Images.VerifyAsync(cancellationToken: ImageHost.Token));
        }

        var removed = await _host.Images.RemoveAsync(_base, cancellationToken: ImageHost.Token);
        Assert.Equal([_base], removed.Names);
        Assert.Empty(await _host.Images.ListAsync(ImageHost.Token));
        var usage = await _host.Images.GetUsageAsync(ImageHost.Token);
        Assert.Equal((0, 0), (usage.BlobBytes, usage.LayerBytes));
        await Assert.ThrowsAsync<ImageException>(() => _host.Engine.RunAsync(ContainerBuilder.FromImage(_base, PullPolicy.Never), ImageHost.Token));
    }

    [Fact]
    public async Task AnImage_IsNamedByItsDigestAlone_AlsoWhereItHasNoName()
    {
        var pulled = await _host.Images.PullAsync(_base, cancellationToken: ImageHost.Token);
        await _host.Images.TagAsync(pulled.Digest, "example.org/second:1", ImageHost.Token);
        Assert.Equal("1000\n", await _host.OutputOf(pulled.Digest, "id -u ada"));
        Assert.Equal(2, (await _host.Images.InspectAsync(pulled.Digest, cancellationToken: ImageHost.Token)).Names.Count);
        await _host.Images.RemoveAsync(pulled.Digest, cancellationToken: ImageHost.Token);
        Assert.Empty(await _host.Images.ListAsync(ImageHost.Token));

        // It is nothing that a registry could be asked for.
        var missing = await Assert.ThrowsAsync<ImageException>(() => _host.Engine.RunAsync(ContainerBuilder.FromImage(pulled.Digest, PullPolicy.Always), ImageHost.Token));
        Assert.Contains("is not in the store", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OfManyNames_TheLastTakesTheImageAlong()
    {
        var pulled = await _host.Images.PullAsync(_base, cancellationToken: ImageHost.Token);
        await _host.Images.TagAsync(_base, "example.org/second:1", ImageHost.Token);
        await _host.Images.TagAsync("example.org/second:1", "example.org/third:1", ImageHost.Token);
        var summary = Assert.Single(await _host.Images.ListAsync(ImageHost.Token));
        Assert.Equal(pulled.Digest, summary.Digest);
        Assert.Equal(new[] { _base, "example.org/second:1", "example.org/third:1" }.Order(StringComparer.Ordinal), summary.Names.Order(StringComparer.Ordinal));

        await _host.Images.RemoveAsync(_base, cancellationToken: ImageHost.Token);
        await _host.Images.RemoveAsync("example.org/third:1", cancellationToken: ImageHost.Token);
        Assert.Equal("1000\n", await _host.OutputOf("example.org/second:1", "id -u ada"));
        await _host.Images.RemoveAsync("example.org/second:1", cancellationToken: ImageHost.Token);
        Assert.Empty(await _host.Images.ListAsync(ImageHost.Token));
    }

    [Fact]
    public async Task SharedLayers_StayForWhoNeedsThem_AndHistoryTellsThem()
    {
        await using (var container = await _host.StartAsync(ContainerBuilder.FromImage(_base), "echo 1 > /one"))
        {
            await container.CommitAsync("child:1", new CommitOptions { Message = "one more", Author = "Ada" }, ImageHost.Token);
        }

        var child = await _host.Images.InspectAsync("child:1", cancellationToken: ImageHost.Token);
        var parent = await _host.Images.InspectAsync(_base, cancellationToken: ImageHost.Token);
        Assert.Equal(parent.Layers, child.Layers.SkipLast(1));
        var history = await _host.Images.HistoryAsync("child:1", cancellationToken: ImageHost.Token);
        Assert.Equal(("one more", true), (history[0].Comment, history[0].Size > 0));
        Assert.Equal(child.Layers.Count, history.Count(static entry => entry.Layer is not null));
        Assert.All(await _host.Images.ListAsync(ImageHost.Token), static image => Assert.True(image.SharedSize > 0 && image.SharedSize < image.Size));

        await _host.Images.RemoveAsync(_base, cancellationToken: ImageHost.Token);
        await _host.Images.PruneAsync(cancellationToken: ImageHost.Token);
        Assert.Empty(await _host.Images.VerifyAsync(cancellationToken: ImageHost.Token));
        Assert.Equal("1\n", await _host.OutputOf("child:1", "cat /one"));
        Assert.Equal(0, Assert.Single(await _host.Images.ListAsync(ImageHost.Token)).SharedSize);
    }
}
