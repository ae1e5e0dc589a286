using Containers.Tests.Fixtures;

namespace Containers.Tests.Running;

/// <summary>Nothing but a registry is needed: the image is made, pushed, pulled, run and committed here, by whoever runs the tests.</summary>
[Trait("Category", "Rootless")]
public sealed class RootlessImageTests(SharedImages shared) : IAsyncDisposable
{
    private readonly ImageHost _host = new();
    private readonly ImageHost _author = new();

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _author.DisposeAsync();
    }

    [Fact]
    public async Task ImportedPushedPulled_IsRunAndCommitted()
    {
        Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing);
        var name = await shared.NewNameAsync();
        using var root = new MemoryStream(HandmadeLayout.BusyboxLayer);
        await _author.Images.ImportAsync(
            root, name, new CommitOptions { Entrypoint = ["/bin/sh", "-c"], Command = ["id -u; pwd; echo $COLOR"], Environment = new Dictionary<string, string> { ["COLOR"] = "blue" }, WorkingDirectory = "/home" }, ImageHost.Token);
        var digest = await _author.Images.PushAsync(name, cancellationToken: ImageHost.Token);

        Assert.Equal("0\n/home\nblue\n", await _host.OutputOf(ContainerBuilder.FromImage($"{name}@{digest}")));
        Assert.Equal(digest, (await _host.Images.PullAsync(name, cancellationToken: ImageHost.Token)).Digest);
        var committed = await shared.NewNameAsync();
        await using (var container = await _host.StartAsync(ContainerBuilder.FromImage(name), "echo mine > /mine; rm /etc/group; rmdir /var"))
        {
            Assert.Equal(["C /etc", "D /etc/group", "A /mine", "D /var"], (await container.DiffAsync(ImageHost.Token)).Select(static change => change.ToString()));
            await container.CommitAsync(committed, new CommitOptions { Command = ["cat /mine; ls /etc; stat -c %u:%g /mine"] }, ImageHost.Token);
        }

        await _host.Images.PushAsync(committed, cancellationToken: ImageHost.Token);
        var seen = await _author.OutputOf(ContainerBuilder.FromImage(committed));
        Assert.StartsWith("mine\n", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("group", seen, StringComparison.Ordinal);
        Assert.EndsWith("0:0\n", seen, StringComparison.Ordinal);

        await _host.Images.RemoveAsync(name, cancellationToken: ImageHost.Token);
        await _host.Images.RemoveAsync(committed, cancellationToken: ImageHost.Token);
        Assert.Empty(await _host.Images.VerifyAsync(cancellationToken: ImageHost.Token));
        Assert.Empty(await _host.Images.ListAsync(ImageHost.Token));
    }
}
