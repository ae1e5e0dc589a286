using System.Diagnostics;

namespace Containers.Tests.Running;

/// <summary>An application with containers (tests/Hosts/DyingHost), which a test kills.</summary>
internal sealed class DyingHost : IDisposable
{
    private readonly Process _process;

    private DyingHost(Process process) => _process = process;

    /// <summary>Its executable, which takes a state directory and what to do.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, nameof(DyingHost));

    public static DyingHost Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false };
        return new DyingHost(Process.Start(start)!);
    }

    public async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync(Job.Token) ?? throw new InvalidOperationException("The host ended.");

    /// <summary>All that is left of what it prints, once it has ended.</summary>
    public async Task<string> ReadToEndAsync() => await _process.StandardOutput.ReadToEndAsync(Job.Token);

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.StandardOutput.Dispose();
        _process.Dispose();
    }
}
