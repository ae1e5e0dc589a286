using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Containers.Tests.Fixtures;

/// <summary>
/// The real registry (Debian's docker-registry) as a child process on a loopback port, with its storage in a folder of its own. Deleting
/// is allowed. Start it behind <c>Assert.SkipUnless(DockerRegistry.IsInstalled, DockerRegistry.Missing)</c>.
/// </summary>
internal sealed class DockerRegistry : IAsyncDisposable
{
    public const string Missing = "docker-registry is not installed";
    public const string User = "alice";
    public const string Password = "correct-horse-7f3a";

    private const string Program = "/usr/bin/docker-registry";

    // bcrypt of the password: the only kind of entry the registry reads.
    private const string PasswordEntry = "alice:$2y$05$abcdefghijklmnopqrstuuy18BWjL7mtXG8c7nYrJGDJVHyZmRW7K\n";

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<string> _log = new();
    private readonly string _folder;
    private Process _process;

    private DockerRegistry(string folder, int port)
    {
        _folder = folder;
        Host = $"127.0.0.1:{port}";
        _process = Run();
    }

    public static bool IsInstalled => File.Exists(Program);

    /// <summary>Address and port, as the first part of a reference.</summary>
    public string Host { get; }

    public Uri Address => new($"http://{Host}/");

    /// <summary>Where its files are: <c>docker/registry/v2/blobs/sha256/…</c>.</summary>
    public string Storage => Path.Combine(_folder, "storage");

    /// <summary>What it has written, for the message of a test that fails.</summary>
    public string Log => string.Join('\n', _log);

    /// <summary>Starts one and waits until it answers.</summary>
    /// <param name="withPassword">Whether it asks everyone for <see cref="User"/> and <see cref="Password"/> (Basic).</param>
    public static async Task<DockerRegistry> StartAsync(bool withPassword = false, CancellationToken cancellationToken = default)
    {
        // The free port found may be another's by the time the registry binds it: then it ends, and the next is tried.
        for (var attempt = 1; ; attempt++)
        {
            var registry = Start(withPassword);
            try
            {
                await registry.WaitUntilReadyAsync(cancellationToken);
                return registry;
            }
            catch (InvalidOperationException) when (attempt < 5 && registry._process.HasExited)
            {
                await registry.DisposeAsync();
            }
            catch
            {
                await registry.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>Ends it in the middle of what it does; its files and its port stay.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Starts it again after <see cref="Kill"/>, on the same port, and waits until it answers.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        _process.Dispose();
        _process = Run();
        await WaitUntilReadyAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static DockerRegistry Start(bool withPassword)
    {
        var folder = Directory.CreateTempSubdirectory("containers-registry-").FullName;
        var port = FreePort();
        var configuration = $"""
            version: 0.1
            log:
              level: warn
              accesslog:
                disabled: true
            storage:
              filesystem:
                rootdirectory: {folder}/storage
              delete:
                enabled: true
              maintenance:
                uploadpurging:
                  enabled: false
            http:
              addr: 127.0.0.1:{port}
              secret: only-for-tests

            """;
        if (withPassword)
        {
            File.WriteAllText($"{folder}/htpasswd", PasswordEntry);
            configuration += $"""
                auth:
                  htpasswd:
                    realm: tests
                    path: {folder}/htpasswd

                """;
        }

        File.WriteAllText($"{folder}/config.yml", configuration);
        return new DockerRegistry(folder, port);
    }

    private Process Run()
    {
        var start = new ProcessStartInfo(Program, ["serve", $"{_folder}/config.yml"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            _log.Enqueue(line);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        using var client = new HttpClient();
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var answer = await client.GetAsync(new Uri(Address, "v2/"), cancellationToken);
                if (!_process.HasExited)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet, or has ended.
            }

            if (_process.HasExited || Stopwatch.GetElapsedTime(started) > StartLimit)
            {
                throw new InvalidOperationException($"docker-registry does not answer on {Host}: {Log}");
            }

            await Task.Delay(20, cancellationToken);
        }
    }
}
