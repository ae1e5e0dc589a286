using System.Net;
using System.Net.Sockets;
using Containers.Benchmarks.Processes;
using Containers.Interop;

namespace Containers.Benchmarks.Fixtures;

/// <summary>Debian's docker-registry on a loopback port, with its content below the benchmark's directory.</summary>
internal sealed class LoopbackRegistry : IDisposable
{
    private const int AttemptsToReach = 500;
    private readonly NativeCommand _command;
    private readonly int _pid;

    private LoopbackRegistry(string directory, int port)
    {
        Host = $"127.0.0.1:{port}";
        string configuration = Path.Combine(directory, "registry.yml");
        File.WriteAllText(configuration, $"""
            version: 0.1
            log:
              level: error
              accesslog:
                disabled: true
            storage:
              filesystem:
                rootdirectory: {directory}/registry
            http:
              addr: {Host}
              secret: only-for-benchmarks

            """);
        _command = new NativeCommand("docker-registry", "serve", configuration);
        using FileDescriptor nothing = Libc.Open("/dev/null", Libc.OpenReadWrite | Libc.OpenCloseOnExec);
        _pid = _command.Start(nothing.Number, nothing.Number, nothing.Number);
    }

    public string Host { get; }

    public static async Task<LoopbackRegistry> StartAsync(string directory)
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        var registry = new LoopbackRegistry(directory, port);
        using var client = new HttpClient();
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                using HttpResponseMessage answer = await client.GetAsync(new Uri($"http://{registry.Host}/v2/"));
                return registry;
            }
            catch (HttpRequestException) when (attempt < AttemptsToReach)
            {
                await Task.Delay(20);
            }
            catch
            {
                registry.Dispose();
                throw;
            }
        }
    }

    public void Dispose()
    {
        _ = Posix.Kill(_pid, Posix.SignalTerminate);
        _ = PeerThread.Wait(_pid);
        _command.Dispose();
    }
}
