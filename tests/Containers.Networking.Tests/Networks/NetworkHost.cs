using System.Diagnostics;

namespace Containers.Tests.Networks;

/// <summary>An application with networks (tests/Hosts/NetworkHost), on a host of its own, which a test kills.</summary>
internal sealed class NetworkHost : IDisposable
{
    private readonly Process _process;

    private NetworkHost(Process process) => _process = process;

    public static NetworkHost Start(TestNamespace host, string state, string work)
    {
        var program = Path.Combine(AppContext.BaseDirectory, nameof(NetworkHost));
        var start = new ProcessStartInfo("/usr/bin/nsenter", [$"--net=/proc/{Environment.ProcessId}/fd/{host.Namespace.Descriptor.Number}", program, state, work])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        return new NetworkHost(Process.Start(start)!);
    }

    public async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync(Box.Token) ?? throw new InvalidOperationException("The host ended.");

    /// <summary>Sends a line, and returns the one that answers.</summary>
    public async Task<string> AskAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line.AsMemory(), Box.Token);
        await _process.StandardInput.FlushAsync(Box.Token);
        return await ReadLineAsync();
    }

    /// <summary>Nothing more comes on its input; waits for its end.</summary>
    public async Task EndAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync(Box.Token);
        Assert.Equal(0, _process.ExitCode);
    }

    public void Kill()
    {
        // nsenter has become the program: it executes it.
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
