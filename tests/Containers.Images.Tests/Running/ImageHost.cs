using System.Text;

namespace Containers.Tests.Running;

/// <summary>An engine with a store of its own, in a directory of one test.</summary>
internal sealed class ImageHost : IAsyncDisposable
{
    public ImageHost() => Engine = new ContainerEngine(new ContainerEngineOptions
    {
        StateDirectory = Directory["state"],
        Images = new ImageStoreOptions { Directory = Directory["store"], Registries = new RegistryOptions { MaxRetries = 0 } },
    });

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public TemporaryDirectory Directory { get; } = new();

    public ContainerEngine Engine { get; }

    public ImageStore Images => Engine.Images;

    /// <summary>What a job of the image prints.</summary>
    public async Task<string> OutputOf(ContainerBuilder job)
    {
        var result = await Engine.RunAsync(job.WithTimeout(TimeSpan.FromSeconds(60)), Token);
        Assert.True(result.IsSuccess, $"{result}: {result.StandardError.Text}");
        return result.StandardOutput.Text;
    }

    public Task<string> OutputOf(string image, string script) => OutputOf(ContainerBuilder.FromImage(image).WithEntrypoint("/bin/sh", "-c", script));

    /// <summary>A container that runs until it is ended, having run a script.</summary>
    public async Task<Container> StartAsync(ContainerBuilder job, string script)
    {
        var container = await Engine.StartAsync(job.WithEntrypoint("/bin/sh", "-c", script + "; echo ready; exec sleep 300").WithTimeout(TimeSpan.FromSeconds(300)), Token);
        var seen = new StringBuilder();
        while (!seen.ToString().Contains("ready\n", StringComparison.Ordinal))
        {
            var read = await container.StandardOutput.ReadAsync(Token);
            seen.Append(Encoding.UTF8.GetString(read.Buffer));
            container.StandardOutput.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                var result = await container.WaitAsync(Token);
                await container.DisposeAsync();
                Assert.Fail($"The container ended: {result}: {result.StandardError.Text}");
            }
        }

        return container;
    }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        Directory.Dispose();
    }
}
