using Containers.Oci;
using Containers.Tests.Fixtures;

namespace Containers.Tests.Running;

/// <summary>When the registry is asked: seen by moving the tag, and by stopping the registry.</summary>
[Trait("Category", "Rootless")]
public sealed class PullPolicyTests : IAsyncDisposable
{
    private readonly ImageHost _host = new();
    private readonly ImageHost _author = new();

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _author.DisposeAsync();
    }

    [Fact]
    public async Task Policies_DifferWhenTheTagMoves_AndWhenTheRegistryIsGone()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        string name;
        await using (var registry = await DockerRegistry.StartAsync(cancellationToken: ImageHost.Token))
        {
            name = registry.Host + "/team/app:1";
            var never = await Assert.ThrowsAsync<ImageException>(() => RunAsync(name, PullPolicy.Never));
            Assert.Contains("not in the store", never.Message, StringComparison.Ordinal);

            await PushAsync(name, "one");
            await Assert.ThrowsAsync<ImageException>(() => RunAsync(name, PullPolicy.Never));
            Assert.Equal("one\n", await RunAsync(name, PullPolicy.Missing));

            await PushAsync(name, "two");
            Assert.Equal("one\n", await RunAsync(name, PullPolicy.Missing));
            Assert.Equal("one\n", await RunAsync(name, PullPolicy.Never));
            Assert.Equal("two\n", await RunAsync(name, PullPolicy.Newer));

            await PushAsync(name, "three");
            Assert.Equal("two\n", await RunAsync(name, PullPolicy.Missing));
            Assert.Equal("three\n", await RunAsync(name, PullPolicy.Always));
        }

        Assert.Equal("three\n", await RunAsync(name, PullPolicy.Missing));
        Assert.Equal("three\n", await RunAsync(name, PullPolicy.Never));
        Assert.Equal("three\n", await RunAsync(name, PullPolicy.Newer));
        var gone = await Assert.ThrowsAsync<ImageException>(() => RunAsync(name, PullPolicy.Always));
        Assert.Contains(name.Split('/')[0], gone.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ImageException>(() => RunAsync(name.Replace(":1", ":2", StringComparison.Ordinal), PullPolicy.Newer));
    }

    [Fact]
    public async Task TagAndDigest_MeanTheDigest_WhateverTheTagMeansNow()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync(cancellationToken: ImageHost.Token);
        var name = registry.Host + "/team/app:1";
        var first = await PushAsync(name, "one");
        await PushAsync(name, "two");

        Assert.Equal("one\n", await RunAsync($"{name}@{first}", PullPolicy.Missing));
        Assert.Equal("one\n", await RunAsync($"{registry.Host}/team/app@{first}", PullPolicy.Always));
        Assert.Equal("two\n", await RunAsync(name, PullPolicy.Always));
        var wrong = await Assert.ThrowsAsync<ImageException>(() => RunAsync($"{name}@{Digest.Of("other"u8)}", PullPolicy.Missing));
        Assert.Contains("app", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PulledAgain_NothingIsTransferred()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync(cancellationToken: ImageHost.Token);
        var name = registry.Host + "/team/app:1";
        await PushAsync(name, "one");
        var first = new Seen();
        await _host.Images.PullAsync(name, new PullOptions { Progress = first }, ImageHost.Token);
        Assert.Contains(PullStage.Transferring, first.Stages);
        Assert.Contains(PullStage.Complete, first.Stages);

        // The second image shares its large layer with the first.
        await PushAsync(name, "two");
        var second = new Seen();
        await _host.Images.PullAsync(name, new PullOptions { Progress = second }, ImageHost.Token);
        Assert.True(second.Layers.Count <= 2, string.Join(' ', second.Layers));
        Assert.Single(second.Transferred);
        var third = new Seen();
        await _host.Images.PullAsync(name, new PullOptions { Progress = third }, ImageHost.Token);
        Assert.Empty(third.Transferred);
    }

    private async Task<string> PushAsync(string name, string word)
    {
        var layout = HandmadeLayout.Write(
            _author.Directory[word], new ContainerConfiguration { Cmd = ["/bin/cat", "/word"] }, HandmadeLayout.Layer(HandmadeLayout.Text("word", word + "\n")));
        var image = Assert.Single(await _author.Images.LoadAsync(layout.Path, cancellationToken: ImageHost.Token));
        await _author.Images.TagAsync("example.org/any@" + image.Digest, name, ImageHost.Token);
        return await _author.Images.PushAsync(name, cancellationToken: ImageHost.Token);
    }

    private Task<string> RunAsync(string name, PullPolicy policy) => _host.OutputOf(ContainerBuilder.FromImage(name, policy));

    private sealed class Seen : IProgress<PullProgress>
    {
        private readonly List<PullProgress> _seen = [];

        public HashSet<PullStage> Stages => [.. _seen.Select(static one => one.Stage)];

        public HashSet<string> Layers => [.. _seen.Select(static one => one.Layer)];

        public HashSet<string> Transferred => [.. _seen.Where(static one => one.Stage == PullStage.Transferring).Select(static one => one.Layer)];

        public void Report(PullProgress value)
        {
            lock (_seen)
            {
                _seen.Add(value);
            }
        }
    }
}
