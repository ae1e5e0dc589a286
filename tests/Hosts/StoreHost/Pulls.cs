using System.Globalization;
using Containers.Registries;

namespace Containers.Tests;

/// <summary>Pulls into a store, as a program that uses the library does.</summary>
internal static class Pulls
{
    private const int AtOnce = 8;

    /// <summary>Pulls an image many times at once; says "ready" before, a line for each layer that it unpacked, and the image's digest at the end.</summary>
    public static async Task<int> PullAsync(string directory, string reference)
    {
        using var store = Open(directory);
        Console.WriteLine("ready");
        var progress = new Told(static progress =>
        {
            if (progress.Stage == PullStage.Complete)
            {
                Console.WriteLine($"unpacked {progress.Layer}");
            }
        });
        var images = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Task.Run(() => store.PullAsync(reference, new PullOptions { Progress = progress }))));
        Console.WriteLine(images.Select(static image => image.Digest).Distinct().Single());
        return 0;
    }

    /// <summary>Gives pulls up at any moment, and says what came of it: how many were, what was open before and after, and which threads are left.</summary>
    public static async Task<int> CancelAsync(string directory, string reference, int count)
    {
        // Whatever the runtime opens once is open before it is counted.
        using (var first = Open(directory))
        {
            await first.PullAsync(reference);
            await first.PruneAsync(all: true);
        }

        var (random, canceled, before) = (new Random(count), 0, Descriptors());
        using (var store = Open(directory))
        {
            for (var i = 0; i < count; i++)
            {
                using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(random.Next(40)));
                try
                {
                    await store.PullAsync(reference, cancellationToken: cancellation.Token);
                    await store.PruneAsync(all: true);
                }
                catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
                {
                    canceled++;
                }
            }
        }

        // Connections that were broken off are closed in their own time.
        for (var wait = 0; wait < 100 && (Descriptors() > before || Threads() > 0); wait++)
        {
            await Task.Delay(50);
        }

        var left = Directory.EnumerateFileSystemEntries(Path.Combine(directory, "sessions"), "*", SearchOption.AllDirectories).Count();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{canceled} {before} {Descriptors()} {Threads()} {left}"));
        using var next = Open(directory);
        await next.PullAsync(reference);
        foreach (var problem in await next.VerifyAsync())
        {
            Console.WriteLine(problem);
        }

        return 0;
    }

    /// <summary>Removes whatever nobody uses, and says what that was.</summary>
    public static async Task<int> PruneAsync(string directory)
    {
        using var store = Open(directory);
        foreach (var image in (await store.PruneAsync(all: true)).Images)
        {
            Console.WriteLine(image);
        }

        return 0;
    }

    private static ImageStore Open(string directory) =>
        new(new ImageStoreOptions { Directory = directory, Registries = { CredentialProvider = new DockerCredentials([], CredentialHelper.OfThisUser()), RetryDelay = TimeSpan.FromMilliseconds(10) } });

    /// <summary>The runtime keeps two for each assembly, and loads one only when it is first needed: those do not count.</summary>
    private static int Descriptors() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(static descriptor =>
        new FileInfo(descriptor).LinkTarget?.EndsWith(".dll", StringComparison.Ordinal) is not true);

    /// <summary>Those that the library makes.</summary>
    private static int Threads() => Directory.EnumerateDirectories("/proc/self/task").Count(static task =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm")).TrimEnd() is "layer" or "store lock";
        }
        catch (IOException)
        {
            return false;
        }
    });

    private sealed class Told(Action<PullProgress> tell) : IProgress<PullProgress>
    {
        public void Report(PullProgress value) => tell(value);
    }
}
