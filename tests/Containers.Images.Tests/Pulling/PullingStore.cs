using Containers.Registries;

namespace Containers.Tests.Pulling;

/// <summary>A store that pulls into a directory of its own, without patience, and with nobody's credentials.</summary>
internal sealed class PullingStore : IDisposable
{
    private readonly string _directory;

    public PullingStore(string directory, Action<ImageStoreOptions>? change = null)
    {
        _directory = directory;
        var options = new ImageStoreOptions
        {
            Directory = directory,
            Registries = { CredentialProvider = new DockerCredentials([], CredentialHelper.OfThisUser()), RetryDelay = TimeSpan.FromMilliseconds(1), MaxRetries = 2 },
        };
        change?.Invoke(options);
        Images = new ImageStore(options);
    }

    public ImageStore Images { get; }

    /// <summary>Files of downloads that were not finished, by their length.</summary>
    public IReadOnlyList<long> Partials => [.. new DirectoryInfo(Path.Combine(_directory, "partial")).EnumerateFiles().Select(static file => file.Length)];

    public IReadOnlyList<string> Layers => [.. Directory.EnumerateDirectories(Path.Combine(_directory, "layers"))];

    /// <summary>Nothing is broken, nothing is half there, and nothing temporary is left.</summary>
    public async Task RequireCleanAsync()
    {
        Assert.Empty(await Images.VerifyAsync());
        Assert.DoesNotContain(
            Directory.EnumerateDirectories(Path.Combine(_directory, "sessions")).SelectMany(Directory.EnumerateFileSystemEntries), static path => Path.GetFileName(path) != "held");
    }

    /// <summary>And nothing stays that only the next pull could use.</summary>
    public async Task RequireCleanAfterPruneAsync()
    {
        await RequireCleanAsync();
        await Images.PruneAsync();
        Assert.Empty(Partials);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_directory, "locks")));
        Assert.Single(Directory.EnumerateDirectories(Path.Combine(_directory, "sessions")));
        Assert.Single(Directory.EnumerateFiles(Path.Combine(_directory, "sessions")));
    }

    public void Dispose() => Images.Dispose();
}

/// <summary>Told in place, by whoever tells.</summary>
internal sealed class Told(Action<PullProgress> tell) : IProgress<PullProgress>
{
    public void Report(PullProgress value) => tell(value);
}
