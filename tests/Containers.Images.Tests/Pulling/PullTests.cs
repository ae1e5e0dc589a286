using System.Collections.Concurrent;
using Containers.Oci;
using Containers.Tests.Fixtures;

namespace Containers.Tests.Pulling;

/// <summary>What a pull promises where nothing goes wrong.</summary>
[Trait("Category", "Rootless")]
public sealed class PullTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task ACredentialOfTheCall_IsUsedInsteadOfWhatIsConfigured()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync(withPassword: true);
        var right = new RegistryCredential(DockerRegistry.User, DockerRegistry.Password);
        var wrong = new RegistryCredential(DockerRegistry.User, "wrong-secret-value");
        var image = PulledImage.Create((1, 1000));
        var reference = $"{registry.Host}/app:1";
        await image.PushAsync(reference, right);

        using var store = new PullingStore(_directory["store"], options => options.Registries.Hosts[registry.Host] = new RegistryHostOptions { Credential = wrong });
        var refused = await Assert.ThrowsAsync<ImageException>(() => store.Images.PullAsync(reference));
        Assert.Contains("docker login", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-secret-value", refused.ToString(), StringComparison.Ordinal);
        Assert.Equal(image.Digest.ToString(), (await store.Images.PullAsync(reference, new PullOptions { Credential = right })).Digest);

        // It was for that call: the next has none.
        await Assert.ThrowsAsync<ImageException>(() => store.Images.PullAsync(reference));
        refused = await Assert.ThrowsAsync<ImageException>(() => store.Images.PullAsync(reference, new PullOptions { Credential = wrong }));
        Assert.Contains($"user {DockerRegistry.User}", refused.Message, StringComparison.Ordinal);
        await store.RequireCleanAfterPruneAsync();
    }

    [Fact]
    public async Task Progress_AddsUpToTheSize()
    {
        var image = PulledImage.Create((1, 400_000), (2, 200_000), (3, 100));
        await using var registry = await MemoryRegistry.StartAsync(image);
        using var store = new PullingStore(_directory["store"]);
        var told = new ConcurrentQueue<PullProgress>();
        await store.Images.PullAsync(registry.Reference, new PullOptions { Progress = new Told(told.Enqueue) });
        Assert.All(told, static progress => Assert.InRange(progress.Bytes, 0, progress.Size));
        Assert.All(told, progress => Assert.InRange(progress.TotalBytes, 0, image.LayerBytes));
        Assert.Equal(
            image.Blobs.Select(static blob => (Digest.Of(blob).ToString(), (long)blob.Length, (long)blob.Length)).Order(),
            told.Where(static progress => progress.Stage == PullStage.Complete).Select(static progress => (progress.Layer, progress.Bytes, progress.Size)).Order());
        Assert.Equal(image.LayerBytes, told.Max(static progress => progress.TotalBytes));
        Assert.Equal(image.LayerBytes, told.Last().TotalSize);
    }

    [Fact]
    public async Task ATagThatMoved_IsWhatItMeansNow_AndWhatItMeantIsKeptByDigest()
    {
        var (old, current) = (PulledImage.Create((1, 1000)), PulledImage.Create((2, 1000)));
        await using var registry = await MemoryRegistry.StartAsync(old);
        using var store = new PullingStore(_directory["store"]);
        await store.Images.PullAsync(registry.Reference);
        registry.Add(current);
        Assert.Equal(current.Digest.ToString(), (await store.Images.PullAsync(registry.Reference)).Digest);
        Assert.Equal(current.Digest.ToString(), (await store.Images.InspectAsync(registry.Reference)).Digest);
        Assert.Empty((await store.Images.InspectAsync($"{registry.Host}/app@{old.Digest}")).Names);
        Assert.Equal([old.Digest.ToString()], (await store.Images.PruneAsync()).Images);
        await store.RequireCleanAfterPruneAsync();
    }

    [Fact]
    public async Task WhatImagesShare_IsFetchedOnce_AndWhatIsThereNotAtAll()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        await using var registry = await DockerRegistry.StartAsync();
        await using var proxy = await RegistryProxy.StartAsync(registry);
        var (one, two) = (PulledImage.Create((1, 1000), (2, 1000), (3, 1000)), PulledImage.Create((1, 1000), (2, 1000), (4, 1000)));
        await one.PushAsync($"{registry.Host}/app:1");
        await two.PushAsync($"{registry.Host}/app:2");
        using var store = new PullingStore(_directory["store"]);
        await Task.WhenAll(store.Images.PullAsync($"{proxy.Host}/app:1"), store.Images.PullAsync($"{proxy.Host}/app:2"));
        Assert.Equal(
            one.Blobs.Concat(two.Blobs).Append(one.Configuration).Append(two.Configuration).Select(static blob => Digest.Of(blob).ToString()).Distinct().Order(),
            proxy.Blobs.Select(static asked => asked.Digest).Order());
        proxy.Blobs.Clear();
        await store.Images.PullAsync($"{proxy.Host}/app:1");
        Assert.Empty(proxy.Blobs);
        await store.RequireCleanAfterPruneAsync();
    }
}
